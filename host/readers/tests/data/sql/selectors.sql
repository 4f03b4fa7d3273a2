DELETE FROM orders WHERE created_at < '2020-01-01';
WITH gone AS (DELETE FROM carts WHERE customer = 4 RETURNING id) SELECT * FROM gone;
MERGE INTO stock s USING delta d ON s.id = d.id WHEN MATCHED AND d.n = 0 THEN DELETE WHEN NOT MATCHED THEN INSERT (id) VALUES (d.id);
DELETE FROM sessions;
DELETE FROM orders WHERE id = 3 OR total = 0;
DELETE FROM orders WHERE id = 3.0;
DELETE FROM orders WHERE id = $1;
