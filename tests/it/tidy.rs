//! The house rules that neither the compiler nor clippy keeps: layers, circles, walls, faces, links, words, promises, the map.
//!
//! Each check is a function over a tree of names and texts, so that a test can plant a violation and see it found.

mod circles;
mod faces;
mod layers;
mod links;
mod map;
mod promises;
mod requirements;
mod source;
mod walls;
mod words;
