//! Who is proxy, who backend, which requests became which: what the connections are to each other.

mod consequences;
pub mod exchanges;
pub mod front_leg;
mod passing;
mod recent;
mod repeats;
pub mod request_key;
pub mod roles;
mod seen;
mod sent_again;
pub mod vantage;

pub use exchanges::Trail;
pub use front_leg::FrontLeg;
pub use seen::SeenExchange;
