//! Several hosts on one PostgreSQL, tried hard: frozen, killed, asked at once, and followed.
//!
//! Each case starts real processes (`sluice serve`), each with a data directory of its own, on one
//! database, and asks them over HTTP alone. Without PostgreSQL there is little to try: one host that
//! is frozen and killed.

mod cluster;
mod follower;
mod leases;
mod pairs;
mod routines;
mod storm;
mod worker;
