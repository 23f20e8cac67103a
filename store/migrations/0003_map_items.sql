-- How much JSON an item's output is, so that nobody has to read it to know.
ALTER TABLE execution_map_items ADD COLUMN output_bytes integer
    GENERATED ALWAYS AS (octet_length(output_data::text)) STORED;
