//! The `lamplighter` program.

fn main() -> std::process::ExitCode {
    lamplighter::cli::main()
}
