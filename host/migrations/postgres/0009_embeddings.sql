-- Vectors are made by models, and only those of one model can be compared.

-- The model's name; empty for vectors that callers gave.
ALTER TABLE memory_vectors ADD COLUMN model TEXT COLLATE "C" NOT NULL DEFAULT '';
