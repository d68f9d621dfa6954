/** First halves of generated container names. */
export const adjectives: readonly string[] = (
  'able airy amber ample azure balmy bold brave breezy bright brisk calm candid cheery civil clear clever cosy ' +
  'crisp curious dapper daring deft eager early earnest easy fair fearless fine fleet fond frank free fresh gentle ' +
  'glad golden good grand great green handy happy hardy hearty honest humble jolly jovial keen kind lively loyal ' +
  'lucid lucky mellow merry mighty mild modest neat nimble noble open patient placid plucky polite proud quick ' +
  'quiet rapid ready robust rosy sage serene sharp silent silver sincere smart snug sober solid spry steady sunny ' +
  'swift tender tidy tranquil trusty upbeat valiant vivid warm wise witty zesty'
).split(' ')

/** Second halves: people who measured the world, the sea, the wind or the stars. */
export const surnames: readonly string[] = (
  'abel agnesi airy alhazen ampere anning archimedes avogadro babbage banneker barton beaufort bell bernoulli ' +
  'bessel bohr boole bose brahe brahmagupta burnell cantor carson carver celsius chandrasekhar clarke cook copernicus ' +
  'cori coulomb curie dalton darwin davy descartes dijkstra dirac doppler einstein euclid euler faraday fermat fermi ' +
  'feynman fibonacci foucault fourier franklin galileo galois gauss germain goodall halley hamilton harrison herschel ' +
  'hilbert hipparchus hooke hopper hubble humboldt huygens hypatia jemison johnson joule kelvin kepler khayyam ' +
  'kovalevskaya lagrange lamarr laplace leavitt leibniz linnaeus lovelace magellan maxwell mayer meitner mendel ' +
  'mercator mirzakhani mitchell montgolfier morse nansen napier newton nightingale nobel noether ohm pascal pasteur ' +
  'payne planck polo ptolemy raman ride riemann roentgen rutherford sagan sanger shannon snow somerville tesla torricelli ' +
  'tsiolkovsky turing vaughan volta wallace watt wegener wright wu yonath zeppelin'
).split(' ')
