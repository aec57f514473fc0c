;; A reducer whose `init` issues {count} notices of the kind `noise`, each with `{`, {spaces}
;; spaces and `}` as its data.
(module
  (import "sluice:mission/commands@0.1.0" "emit-notice" (func $notice (param i32 i32 i32 i32)))
  (memory (export "memory") {pages})
  (data (i32.const 1024) "noise")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 2048)
  (func (export "sluice:mission/reducer@0.1.0#init") (result i32)
    (local $left i32)
    (memory.fill (i32.const 65536) (i32.const 32) (i32.const {spaces}))
    (i32.store8 (i32.const 65535) (i32.const 123))
    (i32.store8 (i32.add (i32.const 65536) (i32.const {spaces})) (i32.const 125))
    (local.set $left (i32.const {count}))
    (loop $again
      (if (local.get $left) (then
        (call $notice (i32.const 1024) (i32.const 5) (i32.const 65535) (i32.add (i32.const 2) (i32.const {spaces})))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $again))))
    i32.const 0)
  (func (export "sluice:mission/reducer@0.1.0#on-event")
    (param i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) i32.const 0))
