;; A reducer whose `init` grows one table by {a} entries and another by {b}.
(module
  (memory (export "memory") 1)
  (table $a 0 funcref)
  (table $b 0 funcref)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "sluice:mission/reducer@0.1.0#init") (result i32)
    (drop (table.grow $a (ref.null func) (i32.const {a})))
    (drop (table.grow $b (ref.null func) (i32.const {b})))
    i32.const 0)
  (func (export "sluice:mission/reducer@0.1.0#on-event")
    (param i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) i32.const 0))
