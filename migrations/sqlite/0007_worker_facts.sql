-- What a process with an engine says of itself, since no other one can know it: written with its heartbeat. A statement
-- that the heartbeat is part of must not fail for a fact, so its length is bounded by who writes it.
ALTER TABLE workers ADD COLUMN facts TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(facts));
