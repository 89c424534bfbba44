/** The answer of a parser: the value, or one sentence about what is wrong with the text. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };
