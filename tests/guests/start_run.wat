;; A reducer whose `init` first issues a good notice, then a planner's run with the data given:
;; `{data}`, {bytes} bytes from address 2048 on.
(module
  (import "sluice:mission/commands@0.1.0" "emit-notice" (func $notice (param i32 i32 i32 i32)))
  (import "sluice:mission/commands@0.1.0" "start-run" (func $start (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "noise{}")
  (data (i32.const 2048) "{data}")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 60000)
  (func (export "sluice:mission/reducer@0.1.0#init") (result i32)
    (call $notice (i32.const 1024) (i32.const 5) (i32.const 1029) (i32.const 2))
    (call $start (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2048) (i32.const {bytes}))
    i32.const 0)
  (func (export "sluice:mission/reducer@0.1.0#on-event")
    (param i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) i32.const 0))
