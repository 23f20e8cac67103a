-- Works as the owner of the schema from here on.
SET ROLE weft_owner
