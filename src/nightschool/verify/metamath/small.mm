$( A page of logic in Metamath: the propositional calculus of ax-1 to ax-3 with modus ponens, and a
   little of first-order logic, for the sake of its distinct variables.  Axioms, theorems and labels
   are those of set.mm, which is in the public domain (CC0).  Some proofs are in normal form and
   some are compressed. $)

$c ( ) -> -. A. wff setvar |- $.
$v ph ps ch th $.
wph $f wff ph $.
wps $f wff ps $.
wch $f wff ch $.
wth $f wff th $.

$( Negation and implication. $)
wn $a wff -. ph $.
wi $a wff ( ph -> ps ) $.

${
  min $e |- ph $.
  maj $e |- ( ph -> ps ) $.
  $( Modus ponens. $)
  ax-mp $a |- ps $.
$}
ax-1 $a |- ( ph -> ( ps -> ph ) ) $.
ax-2 $a |- ( ( ph -> ( ps -> ch ) ) -> ( ( ph -> ps ) -> ( ph -> ch ) ) ) $.
ax-3 $a |- ( ( -. ph -> -. ps ) -> ( ps -> ph ) ) $.

${
  mp2.1 $e |- ph $.
  mp2.2 $e |- ps $.
  mp2.3 $e |- ( ph -> ( ps -> ch ) ) $.
  mp2 $p |- ch $=
    wps wch mp2.2 wph wps wch wi mp2.1 mp2.3 ax-mp ax-mp $.
$}

${
  a1i.1 $e |- ph $.
  a1i $p |- ( ps -> ph ) $=
    ( wi ax-1 ax-mp ) ABADCABEF $.
$}

${
  a2i.1 $e |- ( ph -> ( ps -> ch ) ) $.
  a2i $p |- ( ( ph -> ps ) -> ( ph -> ch ) ) $=
    wph wps wch wi wi wph wps wi wph wch wi wi a2i.1 wph wps wch ax-2 ax-mp $.
$}

${
  mpd.1 $e |- ( ph -> ps ) $.
  mpd.2 $e |- ( ph -> ( ps -> ch ) ) $.
  mpd $p |- ( ph -> ch ) $=
    ( wi a2i ax-mp ) ABFACFDABCEGH $.
$}

${
  imim2i.1 $e |- ( ph -> ps ) $.
  imim2i $p |- ( ( ch -> ph ) -> ( ch -> ps ) ) $=
    wch wph wps wph wps wi wch imim2i.1 a1i a2i $.
$}

${
  syl.1 $e |- ( ph -> ps ) $.
  syl.2 $e |- ( ps -> ch ) $.
  syl $p |- ( ph -> ch ) $=
    ( wi a1i mpd ) ABCDBCFAEGH $.
$}

${
  3syl.1 $e |- ( ph -> ps ) $.
  3syl.2 $e |- ( ps -> ch ) $.
  3syl.3 $e |- ( ch -> th ) $.
  3syl $p |- ( ph -> th ) $=
    wph wch wth wph wps wch 3syl.1 3syl.2 syl 3syl.3 syl $.
$}

  id $p |- ( ph -> ph ) $=
    ( wi ax-1 mpd ) AAABZAAACAECD $.

  idd $p |- ( ph -> ( ps -> ps ) ) $=
    wps wps wi wph wps id a1i $.

${
  a1d.1 $e |- ( ph -> ps ) $.
  a1d $p |- ( ph -> ( ch -> ps ) ) $=
    ( wi ax-1 syl ) ABCBEDBCFG $.
$}

${
  mpi.1 $e |- ps $.
  mpi.2 $e |- ( ph -> ( ps -> ch ) ) $.
  mpi $p |- ( ph -> ch ) $=
    wph wps wch wps wph mpi.1 a1i mpi.2 mpd $.
$}

${
  sylcom.1 $e |- ( ph -> ( ps -> ch ) ) $.
  sylcom.2 $e |- ( ps -> ( ch -> th ) ) $.
  sylcom $p |- ( ph -> ( ps -> th ) ) $=
    ( wi a2i syl ) ABCGBDGEBCDFHI $.
$}

${
  syl5com.1 $e |- ( ph -> ps ) $.
  syl5com.2 $e |- ( ch -> ( ps -> th ) ) $.
  syl5com $p |- ( ph -> ( ch -> th ) ) $=
    wph wch wps wth wph wps wch syl5com.1 a1d syl5com.2 sylcom $.
$}

${
  com12.1 $e |- ( ph -> ( ps -> ch ) ) $.
  com12 $p |- ( ps -> ( ph -> ch ) ) $=
    ( id syl5com ) BBACBEDF $.
$}

${
  syl5.1 $e |- ( ph -> ps ) $.
  syl5.2 $e |- ( ch -> ( ps -> th ) ) $.
  syl5 $p |- ( ch -> ( ph -> th ) ) $=
    wph wch wth wph wps wch wth syl5.1 syl5.2 syl5com com12 $.
$}

${
  syl6.1 $e |- ( ph -> ( ps -> ch ) ) $.
  syl6.2 $e |- ( ch -> th ) $.
  syl6 $p |- ( ph -> ( ps -> th ) ) $=
    ( wi a1i sylcom ) ABCDECDGBFHI $.
$}

${
  pm2.43i.1 $e |- ( ph -> ( ph -> ps ) ) $.
  pm2.43i $p |- ( ph -> ps ) $=
    wph wph wps wph id pm2.43i.1 mpd $.
$}

  con4 $p |- ( ( -. ph -> -. ps ) -> ( ps -> ph ) ) $=
    ( ax-3 ) ABC $.

${
  con4d.1 $e |- ( ph -> ( -. ps -> -. ch ) ) $.
  con4d $p |- ( ph -> ( ch -> ps ) ) $=
    wph wps wn wch wn wi wch wps wi con4d.1 wps wch con4 syl $.
$}

${
  pm2.21d.1 $e |- ( ph -> -. ps ) $.
  pm2.21d $p |- ( ph -> ( ps -> ch ) ) $=
    ( wn a1d con4d ) ACBABECEDFG $.
$}

  pm2.21 $p |- ( -. ph -> ( ph -> ps ) ) $=
    wph wn wph wps wph wn id pm2.21d $.

$( The same as ax-1, which proves it in one step. $)
  again $p |- ( ps -> ( ch -> ps ) ) $= wps wch ax-1 $.

$v x y $.
vx $f setvar x $.
vy $f setvar y $.

$( The universal quantifier. $)
wal $a wff A. x ph $.
${
  ax-g.1 $e |- ph $.
  ax-gen $a |- A. x ph $.
$}
ax-4 $a |- ( A. x ( ph -> ps ) -> ( A. x ph -> A. x ps ) ) $.
${
  $d x ph $.
  $( What does not speak of x holds for every x. $)
  ax-5 $a |- ( ph -> A. x ph ) $.
$}

${
  gen2.1 $e |- ph $.
  gen2 $p |- A. x A. y ph $=
    wph vy wal vx wph vy gen2.1 ax-gen ax-gen $.
$}

${
  mpg.1 $e |- ( A. x ph -> ps ) $.
  mpg.2 $e |- ph $.
  mpg $p |- ps $=
    ( wal ax-gen ax-mp ) ACFBACEGDH $.
$}

  alim $p |- ( A. x ( ph -> ps ) -> ( A. x ph -> A. x ps ) ) $=
    wph wps vx ax-4 $.

${
  alimi.1 $e |- ( ph -> ps ) $.
  alimi $p |- ( A. x ph -> A. x ps ) $=
    ( wi wal alim mpg ) ABEACFBCFECABCGDH $.
$}

${
  alrimih.1 $e |- ( ph -> A. x ph ) $.
  alrimih.2 $e |- ( ph -> ps ) $.
  alrimih $p |- ( ph -> A. x ps ) $=
    wph wph vx wal wps vx wal alrimih.1 wph wps vx alrimih.2 alimi syl $.
$}

${
  $d x ph $.
  alrimiv.1 $e |- ( ph -> ps ) $.
  alrimiv $p |- ( ph -> A. x ps ) $=
    ( ax-5 alrimih ) ABCACEDF $.
$}

${
  $d x ps $.
  ax5d $p |- ( ph -> ( ps -> A. x ps ) ) $=
    wps wps vx wal wi wph wps vx ax-5 a1i $.
$}
