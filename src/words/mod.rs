//! What people read: sentences, made of what was found. Nothing is judged here.

pub mod fix;
pub mod listening;
pub mod log;
pub mod phrases;
pub mod process;
pub mod summary;
