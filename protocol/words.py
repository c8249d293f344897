"""2048 plain words to read aloud. Fixed: both ends must hold the same list, in this order, for ever.

Chosen for a telephone line: 3 to 8 letters, known to a learner of English, no two alike in their first four letters,
none the beginning of another, few sounding like another, none unkind, and none that could be taken for an answer to
a question on the screen (yes, stop, accept, allow …). Sorted; the place in the list is the word's 11 bits.
"""

from typing import Final

WORDS: Final[tuple[str, ...]] = tuple(
    """
able about above abroad absent absorb accent account acorn across action actor adapt address adjust admire
adobe adopt adult advance advice aerial affair afford afloat after again agenda agile ahead airport album
alert algebra alike alive alley almond aloft alone alpha already also always amaze amber amount ample amuse
anchor ancient angle animal ankle annual answer antenna antique anvil apart apple apricot apron arcade arch
arctic arena argue armchair armor aroma around arrange arrive arrow artist ashore aside asleep aspect
athlete atlas atom attach attic attract audio august author autumn avenue average avocado await awake award
awning axis azure baby bacon badge bagel bakery balance balcony balloon bamboo banana banjo banner barber
bargain barley barn baron barrel basement basket battery bay beaver because become beetle before begin
behave behind believe bell belong bench benefit beret beside best better between beyond bicycle big bingo
biology birch bird birthday biscuit bison bitter blanket blaze blend blink block bloom blossom blouse boat
bobcat boil bold bonfire bonus book boost boots borrow botany both bottle bounce bowl brain branch brave
breeze brick bridge brief bright brisk broad broccoli bronze broom brother brown brush bubble bucket buddy
budget buffalo bugle bulb bundle bunny burrow bushel business busy butter buyer buzzer cabbage cabin cable
cactus cafe cake calcium calendar calm camel campus canal candle cannon canoe canvas canyon captain caramel
carbon card carefree cargo carnival carpet carry cart cascade castle casual catalog catch cater cattle cause
caution cave cedar celery cello cement center ceramic certain chair chalk champion chance chapter charm
chase check cheese cherry chess chicken chief child chimney choice chorus chrome chuckle church cider cinema
cinnamon circle citizen citrus city civil claim clap clarinet class clay clean clever client cliff climb
clinic clock cloud clover clown club clue coach coast coat cobalt cocoa code coffee coin cold collar color
column combine comet comfort comic common compass concert cook cool copper copy coral core corner correct
cosmos cost cotton couch cougar country couple cousin cover cowboy coyote crab cradle craft crane crater
crayon cream credit cricket crisp crocus crop cross crowd crystal cube cucumber culture cupboard curious
curtain curve cushion custom cycle cymbal cypress daffodil daily dairy daisy damp dance daring dark dash
data daughter dawn daylight dazzle debate decade december decide deck declare decorate deep defend define
degree delay delight delta demand denim dentist depart depend deposit depth deputy derby describe design
detail detect develop device dial diamond diary diesel diet differ digital dine dinner diploma direct
discover dish distant dive divide doctor document dog dollar dolphin domain domino donate donkey donor door
dot double dove down dozen draft dragon drama draw dream dress drift drill drink drive drop drum dry duck
duet dune durable dust duty dwell dynamic eager eagle early earth ease east easy echo eclipse ecology edge
editor educate effect effort either elastic elbow elder electric elegant element elephant elevator elite elk
elm else embark emblem embrace emerald emotion employ empty enact encore endless energy engine enhance enjoy
enlist enough enrich entire entry envelope envoy equal equip erase errand escape essay estate eternal
evening every evident evolve exact example excel excite exercise exhibit exile exist exotic expand expert
explain export express extend extra fable fabric face factory faculty fade faith falcon fall fame family
famous fancy farewell farm fashion fast father favor feast feather federal feed feel fence fern ferry
festival fetch fiber fiction fiddle field fifteen figure file film filter final finch find finger finish
fire firm first fiscal fish fitness five fix flag flame flannel flash flat flavor fleece flight flint float
flock flood flora flow fluent fluffy flute fly foam focus fog foil folder folk follow food foot forest fork
formal fortune forum forward fossil found fox fragile frame freedom freight fresh friend fringe frog front
frost fruit fuel full funnel furnace fury future gadget gain galaxy gallery game garage garden garlic
garment gas gather gaze gecko gem general genius gentle genuine geology gesture geyser giant gift giggle
ginger giraffe give glacier glad glass gleam glide glimpse globe glory glove glow glue goal goat gold golf
gondola good goose gopher gorge gorilla gospel govern gown grab grace grain grammar grand grape grass
gravity green grid grill grin grip grocery group grove grow guard guess guide guitar gulf gum gust gutter
gym habit half halo hamlet hammer hamster hand happy harbor hard harmony harp harvest hatch haven hawk hay
hazel head health heap heart heat heavy hedge height helium hello helmet help herald herb here heritage hero
hiccup hidden high hike hill hint hippo history hobby hockey hold holiday hollow home honest hood hook hope
horizon horn horse hospital host hotel house hover huddle huge human humble humor hundred hungry hurdle
hurry husband hut hybrid hydrant hyphen iceberg icon idea identify igloo ignite image imitate immense impact
import improve impulse inch include income increase index indigo indoor infant inform initial inject ink
inland inner input inquiry insect inside inspire install intact interest into invent invite involve iris
iron island isolate issue item ivory ivy jacket jaguar jam january jargon jasmine jasper javelin jazz jeans
jelly jersey jewel jigsaw jingle job jockey jog join joke jolly journey joy jubilee judge juggle juice july
jumbo jump june jungle junior jury just kangaroo karate kayak keen keep kelp kennel kernel ketchup kettle
kilogram kimono kind kingdom kiosk kitchen kite kitten kiwi koala label labor lace ladder lady lagoon lake
lamb lamp land language lantern lapel laptop large lark lasagna laser lasso last later latitude laugh
laundry lava lavender lawn lawyer layer lazy leader leaf league learn leather leave lecture left legacy
legend leisure lemon length lens leopard lesson letter level liberty library license lid life lift light
like lilac lily limb lime limit linden line lion lipstick liquid list liter little live lizard llama load
loaf lobby lobster local lock locust lodge loft logic long look loop lotion lotus loud lounge love low loyal
lucky luggage lumber lunar lunch lush lute luxury lyric machine macro madam magazine magic magnet magpie
major make mallet mammal manage mandarin mango mansion mantle manual many maple marble march margin marine
market marmot maroon marry marsh mascot mask mast match material matter mature maximum maybe mayor maze
meadow meal mean measure mechanic medicine medley meet mellow melody melt member memory mentor menu mercury
merge merit merry mesa message metal meteor method metro mice micro middle midnight mild mile milk mill
mimic mineral minimum minnow mint minus miracle mirror mitten mixture mobile model module moist molecule
moment monday money monitor monkey month monument mood moon moose moral mortar mosaic mosquito moss motel
mother motion motor mount mouse mouth move movie much mud muffin mug mule multiply mural museum music
mustard mutual myself mystery myth name napkin narrate nation nature nautical navy near neat nebula necklace
nectar needle neighbor neither neon nephew nest network neutral never newborn news next nice nickel niece
night nimble nine nitrogen noble nobody nod noise nominal noodle noon normal north notable nothing notice
noun nova novel now nozzle number nurse nutmeg nylon oak oasis oat obey object oblong oboe observe obtain
obvious ocean octagon october odyssey offer office often old olive omega omelet omit once onion online only
onward open opera opinion option oracle orange orbit orchard order ordinary oregano organ orient origin
ornament osprey ostrich other otter ounce outdoor outer outfit outlook outside oval oven over owl owner
oxygen oyster ozone pace pacific pack paddle page pagoda paint pajamas palace palm pamphlet pancake panda
panel pantry papaya paper parade parcel pardon parent park parrot parsley partner pass past patch path
patrol pattern pavement payment peak peanut pear pebble pecan pelican pencil penguin people pepper percent
perfect perhaps period person pewter phantom phase phone photo phrase piano piccolo pick picnic picture
piece pigeon pillow pilot pine pink pint pioneer pipe pitch pivot pixel pizza place planet plastic plate
play plaza please plenty plot plow plug plum plus pocket podium poem poet point polar pollen polo pony pool
poplar popular porch porridge port position possible postage potato pottery pouch powder power practice
praise prefer premium prepare present pretty pride primary prism private prize problem process produce
program project promise proof protect proud provide public pudding puffin pulley pulp pulse puma pumpkin
pupil puppet purchase purple purse push puzzle pyramid python quaint quality quantity quarter queen quest
quick quiet quilt quince quiz quota rabbit raccoon race radar radio raft rail rainbow ramp ranch random
range rapid rascal rather rattle raven ravine razor reach reason rebel rebuild recall receive recipe record
recycle redwood reef refer reform refresh region regret regular reindeer relax release relief rely remain
remedy remind remote render renew repair repeat replace report request rescue resist resort result retail
retire return reveal review reward rhino rhubarb rhyme rhythm ribbon rice rich riddle ride ridge rigid rinse
ripple rise river roast robe robin robot robust rock rodeo romance roof rookie room rope rotate round rover
royal rubber ruby rudder rugby ruin rule rumble runway rural rush rustic saddle safari safe saga sage salad
salmon salon salt salute same sample sand sapphire sardine satchel satin saturn sauce sausage savanna save
savory scale scan scarf scatter schedule school science scissors scooter scope score scout screen scroll
sculptor search season seat second secret section sedan seed seek segment select self seminar senate senior
sentence separate sequel series serve session setting seven shade shallow shampoo shape share shed sheep
shelf sheriff shield shift shine ship shirt shock shop shore shoulder show shrimp shrub shuffle shut shy
sibling sierra sign silence silk silly silver similar simple since sing siren sister site sixty size skate
sketch skill skin skirt sky slate sled sleep slender slice slide slim slipper slogan slope slow small smart
smile smoke smooth snack snail snake sneeze snorkel snow snug soap soccer social sock soda sofa soft soil
solar soldier solid solo solve sonata song sonic soon soprano sorbet sort sound soup south soy space spaniel
spare speak special speed spell spend sphere spice spider spike spin spiral splash split sponge spoon sport
spot spray spread spring sprout spruce square squid stable stadium staff stage stamp star station stay
steady stem step stereo stew stick still stitch stock stone stool store stove straw street strong student
stuff stumble sturdy style subject subtle suburb subway success sudden sugar suggest suit sulfur summer
sunday sunny sunset super supper surf surprise survey sushi swallow swamp swan swap sweater swift swim swing
switch symbol symptom syntax syrup system table tackle tactic tadpole take talent talk tall tangle tank tape
target tariff tart task taste tavern taxi teach teapot teddy teenager tell temper tenant tender tennis tent
term terrace test text thank theater theme theory thick thimble thing third this thorn thought thread thrive
thumb thunder ticket tidy tiger tight tile timber time tinsel tiny tip tissue titanium title toad toast
today toddler toffee together token tomato tomorrow tone tongue tonic tool tooth topaz topic torch tornado
tortoise total toucan tough tour towel town toy track trade traffic trail trapeze travel tray treasure tree
trellis trend triangle tribe trick trifle trim trio trip trolley trombone trophy trot trouble truck true
trumpet trunk trust truth try tuba tube tuesday tugboat tulip tuna tundra tunnel turbine turkey turnip
turtle tutor tuxedo tweed twelve twenty twice twig twin twist type typical ukulele umbrella umpire uncle
under unicorn uniform union unit universe unknown until unusual unveil update upgrade uphill uphold upload
upper upright upstream upward urban urge usage useful usher usual utensil utility utopia vacant vacuum valid
valley valuable valve vanilla vapor variety vase vault vector vehicle velvet vendor venture venue verb verse
vertical vessel vest veteran veto viaduct vibrant victory video view vigor villa vinegar vintage vinyl viola
virtue visa visible visual vital vivid vocal voice volcano volley volume vortex vote vowel voyage vulture
waffle wage wagon walk wall walnut walrus waltz wand want warm warn wash wasp watch water wave wax wealth
wear weave web wedding wedge welcome west wet wheat wheel when whisk white whole wicker wide widget width
wig wild willow wind wing wink winner winter wire wisdom wise wish witness wizard wolf woman wombat wonder
wool word work world worthy woven wreath yacht yard yarn yawn year yeast yellow yet yield yoga yogurt yolk
young yoyo yummy zebra zenith zephyr zero zest zigzag zinc zinnia zipper zodiac zone zoology zoom zucchini
""".split()  # noqa: SIM905 — 2048 quoted words would hide the words
)
