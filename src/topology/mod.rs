//! Who is proxy, who backend, which requests became which: what the connections are to each other.

pub mod exchanges;
mod forwarding;
pub mod front_leg;
mod recent;
mod repeats;
pub mod request_key;
pub mod roles;
mod sent_again;
pub mod vantage;

pub use exchanges::{SeenExchange, Trail};
pub use forwarding::{ask_others, nested};
pub use front_leg::FrontLeg;
