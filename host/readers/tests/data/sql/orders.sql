-- Three orders and the lines of one of them.
BEGIN;
SET search_path TO shop;
DELETE FROM order_lines WHERE id IN (9007199254740993, 12, -7);
DELETE FROM public."Order" o WHERE o.id = '6f1c0d2e-0000-4000-8000-000000000001'::uuid OR (ID = 'b;c');
delete from customers where id = 18446744073709551616 and closed_at < now();
UPDATE customers SET deleted_at = now() WHERE id = 5;
SELECT purge_old('orders'), count(*) FROM orders;
COMMIT;
