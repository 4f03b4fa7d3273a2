/** Throws a `TypeError` if a declaration has a key that is not expected. A misspelt key would otherwise be ignored. */
export function rejectUnknownKeys(what, declaration, keys) {
  const unknown = Object.keys(declaration).find((key) => !keys.includes(key));
  if (unknown !== undefined) throw new TypeError(`${what} has the unknown key \`${unknown}\`; expected ${oneOf(keys)}`);
}

/** Throws a `TypeError` unless a value is one of those that are allowed. */
export function requireOneOf(what, value, values) {
  if (!values.includes(value)) throw new TypeError(`${what} is \`${value}\`; expected ${oneOf(values)}`);
}

function oneOf(values) {
  return `one of ${values.map((value) => `\`${value}\``).join(', ')}`;
}
