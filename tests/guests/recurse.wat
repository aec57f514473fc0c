;; A reducer whose `init` calls itself {depth} deep.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func $deeper (param $left i32) (result i32)
    (if (result i32) (i32.eqz (local.get $left))
      (then (i32.const 0))
      (else (i32.add (i32.const 1) (call $deeper (i32.sub (local.get $left) (i32.const 1)))))))
  (func (export "sluice:mission/reducer@0.1.0#init") (result i32)
    (drop (call $deeper (i32.const {depth})))
    i32.const 0)
  (func (export "sluice:mission/reducer@0.1.0#on-event")
    (param i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) i32.const 0))
