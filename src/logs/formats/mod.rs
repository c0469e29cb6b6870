//! One file a format, or a family of them.

pub(super) mod alb;
pub(super) mod apache;
pub(super) mod backend_lines;
mod entry_of_fields;
pub(super) mod envoy;
pub(super) mod error_messages;
pub(super) mod explaining;
pub(super) mod haproxy;
pub(super) mod heroku;
pub(super) mod json;
pub(super) mod keyed;
pub(super) mod labelled;
pub(super) mod messages;
pub(super) mod nginx;
pub(super) mod nginx_variables;
pub(super) mod program;
mod reasons;
pub(super) mod squid;
pub(super) mod w3c;
