/** The version of the product, as in package.json; a test keeps them alike. */
export const PRODUCT_VERSION = '0.1.0'
