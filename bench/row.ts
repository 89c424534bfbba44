/** One line of a benchmark: our figure against a peer's, measured in the same run. */
export interface Row {
  readonly what: string;
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  readonly unit: string;
  /** Above 1 is better than the peer. */
  readonly ratio: number;
  readonly target: number;
  readonly ok: boolean;
}
