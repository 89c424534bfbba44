/** The two repositories of the bookstore: its code, and what runs where. */
export interface Repositories {
  readonly shop: { readonly work: string; readonly remote: string; readonly commit: string };
  readonly config: { readonly remote: string };
}
