UPDATE users SET name = '' WHERE id = 1;
INSERT INTO log VALUES (1, 'DELETE FROM users WHERE id = 1;');
-- DELETE FROM users WHERE id = 2;
