//! The program.

fn main() -> std::process::ExitCode {
    why502::main()
}
