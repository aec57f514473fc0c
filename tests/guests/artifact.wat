;; A reducer whose `init` persists one artifact of {bytes} bytes.
(module
  (import "sluice:mission/commands@0.1.0" "persist-artifact"
    (func $persist (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") {pages})
  (data (i32.const 1024) "name")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 2048)
  (func (export "sluice:mission/reducer@0.1.0#init") (result i32)
    (call $persist (i32.const 1024) (i32.const 4) (i32.const 1024) (i32.const 4) (i32.const 1024) (i32.const 4)
      (i32.const 0) (i32.const {bytes}))
    i32.const 0)
  (func (export "sluice:mission/reducer@0.1.0#on-event")
    (param i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) i32.const 0))
