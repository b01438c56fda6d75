//! Every action, right and refused, by its function, its page and its command: the same value, sentence, code and class.

mod jobs;
mod others;
mod queues;
