/**
 * What is too much of what, by measurement: `npm run bench -- quality` plants each fault in good photos of labels and
 * prints what these thresholds catch and where they alarm falsely. The ranges are of 60 photos of labels (32 chosen
 * for reading their text, 28 for their barcodes) and 6 drawn ones, by the pixels of the uploaded image, at most 2,048 a
 * side. Change a threshold only with that table before you.
 */
export const thresholds = {
  /** Letters, those in the middle counted whole: fewer on one photo of 60, which is dim and has ornate print. */
  minLetters: 12,

  /** Darkest hundredth above, with the brightest hundredth near white: 0 to 57 on good photos, 110 and more on washed-out ones. */
  maxDarkest: 90,
  minBrightestOfBright: 235,
  /** Brightest hundredth: 139 to 255 on good photos, at most 58 on ones with a fifth of the light. */
  minBrightest: 100,

  /** Median width of letters' edges: 1.0 to 2.0 on good photos (one at 2.7), 2.3 to 9 where letters melt together. */
  maxEdgeWidthPixels: 2.3,
  /** The same as a share of the letters' height, for small print: 0.04 to 0.19 on good photos. */
  maxEdgeShareOfHeight: 0.28,
  /** The share of the text of which that holds. */
  maxBlurredShare: 0.5,
  /** The sharpest tenth of the edges in the middle: 0.9 to 1.8 on good photos, 2.2 and more on blurred ones. */
  maxMiddleEdgeWidthPixels: 2,

  /** Levels between a letter and its ground; only the share of legible text depends on it. */
  minTextContrast: 30,

  /** The share of the text's area under soft-edged spots of pure white. */
  maxGlareShare: 0.004,

  /** Letters below 7 pixels of the original, capitals and small ones alike, are guessed rather than read. */
  minTextHeightPixels: 7,
  /** The share of the text that is smaller. */
  maxSmallShare: 0.45,

  /** Of fewer lines nothing is concluded; the share of them that touch the end of the picture: 0 to 0.28 on good photos. */
  minLinesToCutOff: 3,
  maxCutOffShare: 0.3,

  /** Degrees from level or upright: up to 8 on good photos but for two bottles held askew, 15 and 24; readers of text take 12 and more badly. */
  maxTiltDegrees: 12,
} as const
