;; A reducer whose `on-event` gives everything back that it is told: a notice with kind and data,
;; a timer with the work item and the time, a timer with the kind and the place in the history, and
;; the run canceled because of the kind.
(module
  (import "sluice:mission/commands@0.1.0" "emit-notice" (func $notice (param i32 i32 i32 i32)))
  (import "sluice:mission/commands@0.1.0" "schedule-timer" (func $timer (param i32 i32 i64 i32 i32)))
  (import "sluice:mission/commands@0.1.0" "cancel-run" (func $cancel (param i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (global $next (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $next)
    (global.set $next (i32.and (i32.add (i32.add (global.get $next) (local.get 3)) (i32.const 15)) (i32.const -8))))
  (func (export "sluice:mission/reducer@0.1.0#init") (result i32) i32.const 0)
  (func (export "sluice:mission/reducer@0.1.0#on-event")
    (param $seq i64) (param $at i64) (param $kind i32) (param $kind_bytes i32)
    (param $has_item i32) (param $item i32) (param $item_bytes i32)
    (param $has_run i32) (param $run i32) (param $run_bytes i32)
    (param $data i32) (param $data_bytes i32) (result i32)
    (call $notice (local.get $kind) (local.get $kind_bytes) (local.get $data) (local.get $data_bytes))
    (if (local.get $has_item) (then
      (call $timer (local.get $item) (local.get $item_bytes) (local.get $at) (local.get $data) (local.get $data_bytes))))
    (call $timer (local.get $kind) (local.get $kind_bytes) (local.get $seq) (local.get $data) (local.get $data_bytes))
    (if (local.get $has_run) (then
      (call $cancel (local.get $run) (local.get $run_bytes) (local.get $kind) (local.get $kind_bytes))))
    i32.const 0))
