//! The author's kit: a plugin from nothing to a tested component, without a host that runs.
//!
//! Owns what a new plugin is made of, how it is compiled and made a component, and how one is called on inputs that a person
//! wrote. Never talks to a server and never installs anything; components are called by [`crate::plugins::PluginHost`], with
//! the limits that hold everywhere.
//!
//! In the order an author meets them: [`template`] (the files of a new plugin), [`source`] (a plugin's directory),
//! [`language`] (what it is written in, and how that is built), [`component`] (what a host takes), [`input`] and [`script`]
//! (what it is called with), [`call`] (calling it), [`golden`] (what it should answer), [`hostile`] (what nobody would send),
//! [`compare`] (one component against another), and [`layout`] (components on their way to others).

mod error;
pub mod template;
pub mod source;
pub mod language;
pub mod component;
pub mod input;
pub mod script;
pub mod call;
pub mod golden;
pub mod hostile;
pub mod compare;
pub mod layout;

pub use error::KitError;
