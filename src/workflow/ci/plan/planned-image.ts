/** Whether a pipeline builds an image, and why. */
export interface PlannedImage {
  readonly image: string;
  readonly build: boolean;
  readonly reason: string;
  /** Of everything that decides what comes out. */
  readonly inputs?: string;
  /** What is published now. */
  readonly published?: string;
}
