;; A reducer with two memories, of {first} and {second} pages from the start, whose `init` grows
;; the second by {more} pages and traps when it is told no.
(module
  (memory (export "memory") {first})
  (memory $second {second} {maximum})
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "sluice:mission/reducer@0.1.0#init") (result i32)
    (if (i32.eq (memory.grow $second (i32.const {more})) (i32.const -1)) (then unreachable))
    i32.const 0)
  (func (export "sluice:mission/reducer@0.1.0#on-event")
    (param i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) i32.const 0))
