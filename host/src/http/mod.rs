//! HTTP: the only module that names axum.
//!
//! Start with [`serve`], through which every request comes in.

pub mod serve;
