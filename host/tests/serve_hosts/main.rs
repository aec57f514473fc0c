//! Several hosts on one PostgreSQL, tried hard: frozen, killed, asked at once, and followed.
//!
//! Each case starts real processes (`sluice serve`), each with a data directory of its own, on one
//! database, and asks them over HTTP alone. Without PostgreSQL there is nothing to try.

mod cluster;
mod follower;
mod pairs;
mod storm;
mod worker;
