;; A gate whose verdict has {findings} findings with the rule `{rule}` and a message of {message}
;; letters `m`, a summary of {summary} letters `m`, and `{data}` as its data.
;;
;; Layout: 256 answer, 512 rule, 768 `{}`, 1024 data, 65536 letters, {table} findings.
(module
  (memory (export "memory") {pages})
  (data (i32.const 512) "{rule}")
  (data (i32.const 768) "{}")
  (data (i32.const 1024) "{data}")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 4096)
  (func (export "sluice:gate/evaluator@0.1.0#evaluate")
    (param i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32) (result i32)
    (local $left i32) (local $at i32)
    (memory.fill (i32.const 65536) (i32.const 109) (i32.const {message}))
    (local.set $left (i32.const {findings}))
    (local.set $at (i32.const {table}))
    (loop $again
      (if (local.get $left) (then
        (i32.store (local.get $at) (i32.const 512))
        (i32.store offset=4 (local.get $at) (i32.const {rule_bytes}))
        (i32.store8 offset=8 (local.get $at) (i32.const 2))
        (i32.store offset=12 (local.get $at) (i32.const 65536))
        (i32.store offset=16 (local.get $at) (i32.const {message}))
        (i32.store8 offset=32 (local.get $at) (i32.const 1))
        (i32.store offset=36 (local.get $at) (i32.const {line}))
        (i32.store offset=40 (local.get $at) (i32.const 768))
        (i32.store offset=44 (local.get $at) (i32.const 2))
        (local.set $at (i32.add (local.get $at) (i32.const 48)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $again))))
    ;; The verdict: ok; outcome `fail`; summary; findings; data.
    (i32.store8 (i32.const 260) (i32.const 1))
    (i32.store (i32.const 264) (i32.const 65536))
    (i32.store (i32.const 268) (i32.const {summary}))
    (i32.store (i32.const 272) (i32.const {table}))
    (i32.store (i32.const 276) (i32.const {findings}))
    (i32.store (i32.const 280) (i32.const 1024))
    (i32.store (i32.const 284) (i32.const {data_bytes}))
    i32.const 256))
