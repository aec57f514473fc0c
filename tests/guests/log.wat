;; A reducer whose `init` writes {lines} lines of {bytes} bytes of the letter `l` to its log.
(module
  (import "sluice:plugin/log@0.1.0" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") {pages})
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 2048)
  (func (export "sluice:mission/reducer@0.1.0#init") (result i32)
    (local $left i32)
    (memory.fill (i32.const 4096) (i32.const 108) (i32.const {bytes}))
    (local.set $left (i32.const {lines}))
    (loop $again
      (if (local.get $left) (then
        (call $log (i32.const 3) (i32.const 4096) (i32.const {bytes}))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $again))))
    i32.const 0)
  (func (export "sluice:mission/reducer@0.1.0#on-event")
    (param i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) i32.const 0))
