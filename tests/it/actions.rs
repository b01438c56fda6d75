//! Every action, right and refused, by its function, its page and its command: the same value, sentence, code and class.

mod approvals;
mod batches;
mod jobs;
mod others;
mod people;
mod prompts;
mod queues;
mod schedules;
