;; A reducer whose `init` asks for the ready items {times} times; with 0 for ever.
(module
  (import "sluice:mission/board@0.1.0" "list-ready" (func $ready (param i32 i32)))
  (memory (export "memory") 2)
  ;; Whatever was handed over before is overwritten: nobody looks at it.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 65536)
  (func (export "sluice:mission/reducer@0.1.0#init") (result i32)
    (local $round i32)
    (loop $again
      (call $ready (i32.const 500) (i32.const 1024))
      (local.set $round (i32.add (local.get $round) (i32.const 1)))
      (br_if $again (i32.ne (local.get $round) (i32.const {times}))))
    i32.const 0)
  (func (export "sluice:mission/reducer@0.1.0#on-event")
    (param i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) i32.const 0))
