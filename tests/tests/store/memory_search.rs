//! Finding records of memory: the same ranking on both databases, partitions that leak nothing.
