//! Cresset compiles one canonical detection into the rules of every SIEM that a security team runs.
#![doc = include_str!("../ARCHITECTURE.md")]

pub mod baseline;
pub mod cli;
pub mod detection;
pub mod diagnostic;
pub mod diff;
pub mod exception;
pub mod hunt;
pub mod init;
pub mod language;
pub mod lock;
pub mod logic;
pub mod pack;
mod printable;
pub mod profile;
pub mod project;
pub mod report;
pub mod source;
pub mod target;
pub mod testing;
mod words;
