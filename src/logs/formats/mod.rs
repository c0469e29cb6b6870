//! One file a format, or a family of them.

pub mod alb;
pub mod apache;
mod entry_of_fields;
pub mod envoy;
pub mod error_messages;
pub mod haproxy;
pub mod json;
pub mod labelled;
pub mod nginx;
pub mod nginx_variables;
