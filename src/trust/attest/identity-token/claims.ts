/** What an identity token says; nothing in it is believed before its signature is checked. */
export type Claims = Readonly<Record<string, unknown>>;
