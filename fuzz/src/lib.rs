//! The sources that the fuzz targets feed.

pub mod domain;
