DELETE FROM t WHERE id = 1;
CALL purge();
