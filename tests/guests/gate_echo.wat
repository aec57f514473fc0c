;; A gate that gives everything back that it is told. Summary: the mission. Data: the data. First
;; finding: gate, work item, first artifact's name, attempt, first artifact's data. Second finding:
;; first artifact's kind, media type, id and size. Third: nothing but the time in its line, as
;; milliseconds beyond {epoch}.
;;
;; Layout: 256 answer, 512 words, 1024 findings of 48 bytes.
(module
  (memory (export "memory") 2)
  (data (i32.const 512) "time{}")
  (global $next (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $next)
    (global.set $next (i32.and (i32.add (i32.add (global.get $next) (local.get 3)) (i32.const 15)) (i32.const -8))))
  (func $text (param $at i32) (param $text i32) (param $bytes i32)
    (i32.store (local.get $at) (local.get $text))
    (i32.store offset=4 (local.get $at) (local.get $bytes)))
  ;; Copies a text that lies in an artifact.
  (func $copy (param $at i32) (param $from i32)
    (call $text (local.get $at) (i32.load (local.get $from)) (i32.load offset=4 (local.get $from))))
  (func $line (param $at i32) (param $line i32)
    (i32.store8 offset=32 (local.get $at) (i32.const 1))
    (i32.store offset=36 (local.get $at) (local.get $line)))
  (func (export "sluice:gate/evaluator@0.1.0#evaluate")
    (param $gate i32) (param $gate_bytes i32) (param $mission i32) (param $mission_bytes i32)
    (param $item i32) (param $item_bytes i32) (param $attempt i32) (param $at i64)
    (param $artifact i32) (param $artifacts i32) (param $data i32) (param $data_bytes i32) (result i32)
    (call $text (i32.const 1024) (local.get $gate) (local.get $gate_bytes))
    (call $text (i32.const 1036) (local.get $item) (local.get $item_bytes))
    (i32.store8 (i32.const 1044) (i32.const 1))
    (call $copy (i32.const 1048) (i32.add (local.get $artifact) (i32.const 16)))
    (call $line (i32.const 1024) (local.get $attempt))
    (call $copy (i32.const 1064) (i32.add (local.get $artifact) (i32.const 40)))

    (call $copy (i32.const 1072) (i32.add (local.get $artifact) (i32.const 8)))
    (call $copy (i32.const 1084) (i32.add (local.get $artifact) (i32.const 24)))
    (i32.store8 (i32.const 1092) (i32.const 1))
    (call $copy (i32.const 1096) (local.get $artifact))
    (call $line (i32.const 1072) (i32.wrap_i64 (i64.load offset=32 (local.get $artifact))))
    (call $text (i32.const 1112) (i32.const 516) (i32.const 2))

    (call $text (i32.const 1120) (i32.const 512) (i32.const 4))
    (call $line (i32.const 1120) (i32.wrap_i64 (i64.sub (local.get $at) (i64.const {epoch}))))
    (call $text (i32.const 1160) (i32.const 516) (i32.const 2))

    ;; The verdict: ok; outcome `needs-human`; summary; findings; data.
    (i32.store8 (i32.const 260) (i32.const 2))
    (call $text (i32.const 264) (local.get $mission) (local.get $mission_bytes))
    (call $text (i32.const 272) (i32.const 1024) (i32.const 3))
    (call $text (i32.const 280) (local.get $data) (local.get $data_bytes))
    i32.const 256))
