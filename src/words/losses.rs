//! What is said of packets that a watch loses while it goes on.

use super::phrases::{duration, plural};
use std::time::Duration;

/// How many packets an interface's watch lost within this time, by whom, and what helps.
pub fn lost(interface: &str, by_kernel: u64, by_interface: u64, within: Duration) -> String {
    let within = duration(within);
    let kernel = format!(
        "{} lost in the last {within}, the kernel's buffer was full: raise --buffer-size",
        plural(by_kernel, "packet")
    );
    match (by_kernel, by_interface) {
        (_, 0) => format!("{interface}: {kernel}"),
        (0, more) => {
            let lost = plural(more, "packet");
            format!("{interface}: {lost} lost by the interface in the last {within}")
        }
        (_, more) => format!("{interface}: {kernel}; {more} more lost by the interface"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lost_them_is_said() {
        let said = |kernel, interface| lost("eth0", kernel, interface, Duration::from_secs(1));
        let kernel = "eth0: 12345 packets lost in the last 1.00 s, the kernel's buffer was full: raise \
                      --buffer-size";
        assert_eq!(said(12_345, 0), kernel);
        assert_eq!(said(0, 1), "eth0: 1 packet lost by the interface in the last 1.00 s");
        assert_eq!(said(12_345, 2), format!("{kernel}; 2 more lost by the interface"));
    }
}
