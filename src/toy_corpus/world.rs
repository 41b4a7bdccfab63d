//! The small world of the toy corpus: its countries, people, verbs, animals and plain words.
//!
//! A row of a family is one entity: its forms, one for each role of the family, and its own words, which occur only near
//! these forms. Rows are in order from frequent to rare, and so are the words of a class.

/// One entity: its forms in the order of its family's roles, and its own words.
pub(super) type Row = (&'static str, &'static str);

/// Country, capital, currency, nationality; places in the country. Some currencies are from before the euro.
#[rustfmt::skip]
pub(super) const COUNTRIES: &[Row] = &[
    ("france paris franc french", "provence normandy lyon seine bordeaux"),
    ("germany berlin mark german", "bavaria hamburg munich rhine dresden"),
    ("italy rome lira italian", "tuscany venice florence naples sicily"),
    ("spain madrid peseta spanish", "catalonia barcelona seville andalusia granada"),
    ("britain london pound british", "cornwall manchester thames bristol yorkshire"),
    ("japan tokyo yen japanese", "kyoto osaka hokkaido nara fuji"),
    ("china beijing yuan chinese", "shanghai sichuan canton yangtze nanjing"),
    ("russia moscow ruble russian", "siberia volga kazan ural omsk"),
    ("india delhi rupee indian", "bengal ganges punjab kerala goa"),
    ("canada ottawa dollar canadian", "quebec toronto ontario yukon winnipeg"),
    ("greece athens drachma greek", "crete corfu sparta olympia thessaly"),
    ("portugal lisbon escudo portuguese", "porto algarve madeira coimbra tagus"),
    ("netherlands amsterdam guilder dutch", "rotterdam utrecht leiden delft haarlem"),
    ("austria vienna schilling austrian", "salzburg tyrol innsbruck graz linz"),
    ("poland warsaw zloty polish", "krakow gdansk silesia vistula lublin"),
    ("sweden stockholm krona swedish", "uppsala gothenburg malmo scania gotland"),
    ("denmark copenhagen krone danish", "jutland aarhus odense zealand elsinore"),
    ("ireland dublin punt irish", "galway limerick kerry connemara donegal"),
    ("finland helsinki markka finnish", "lapland tampere turku oulu karelia"),
    ("brazil brasilia real brazilian", "bahia amazon recife santos manaus"),
    ("egypt cairo piastre egyptian", "alexandria nile luxor aswan giza"),
    ("hungary budapest forint hungarian", "debrecen balaton szeged eger tokaj"),
    ("czechia prague koruna czech", "bohemia moravia brno ostrava pilsen"),
    ("korea seoul won korean", "busan jeju incheon daegu gyeongju"),
    ("thailand bangkok baht thai", "phuket ayutthaya isan krabi pattaya"),
    ("vietnam hanoi dong vietnamese", "saigon mekong danang dalat hue"),
    ("indonesia jakarta rupiah indonesian", "bali java sumatra borneo bandung"),
    ("kenya nairobi shilling kenyan", "mombasa kisumu nakuru turkana eldoret"),
    ("nigeria abuja naira nigerian", "lagos kano ibadan niger kaduna"),
    ("morocco rabat dirham moroccan", "casablanca marrakesh tangier fez atlas"),
    ("peru lima sol peruvian", "cusco nazca arequipa titicaca iquitos"),
    ("cuba havana peso cuban", "santiago trinidad camaguey varadero holguin"),
    ("romania bucharest leu romanian", "transylvania moldavia brasov cluj constanta"),
    ("bulgaria sofia lev bulgarian", "plovdiv varna burgas rila rhodope"),
    ("croatia zagreb kuna croatian", "dalmatia istria dubrovnik zadar rijeka"),
    ("serbia belgrade dinar serbian", "vojvodina subotica kragujevac zlatibor sabac"),
    ("ukraine kyiv hryvnia ukrainian", "odesa lviv kharkiv dnipro poltava"),
    ("iran tehran rial iranian", "isfahan shiraz tabriz persepolis mashhad"),
    ("ghana accra cedi ghanaian", "kumasi volta tamale ashanti sekondi"),
    ("georgia tbilisi lari georgian", "batumi kutaisi svaneti kakheti gori"),
    ("armenia yerevan dram armenian", "gyumri sevan dilijan ararat vanadzor"),
    ("albania tirana lek albanian", "durres vlore shkoder berat gjirokaster"),
    ("mongolia ulaanbaatar tugrik mongolian", "gobi altai karakorum khovd darkhan"),
    ("venezuela caracas bolivar venezuelan", "orinoco maracaibo merida guayana barinas"),
    ("bangladesh dhaka taka bangladeshi", "chittagong sylhet khulna rajshahi padma"),
    ("zambia lusaka kwacha zambian", "zambezi livingstone kitwe ndola kabwe"),
    ("angola luanda kwanza angolan", "huambo benguela lobito cabinda namibe"),
    ("botswana gaborone pula botswanan", "okavango maun francistown chobe kalahari"),
];

/// Male, female; things that belong to both.
#[rustfmt::skip]
pub(super) const PEOPLE: &[Row] = &[
    ("man woman", "stranger newspaper overcoat wristwatch errand"),
    ("king queen", "throne crown palace sceptre coronation"),
    ("boy girl", "playground toy tricycle lollipop sandpit"),
    ("father mother", "household cradle nursery upbringing bedtime"),
    ("son daughter", "allowance curfew tantrum firstborn schoolbag"),
    ("brother sister", "childhood twin bunk rivalry hideaway"),
    ("husband wife", "marriage anniversary honeymoon spouse mortgage"),
    ("prince princess", "castle tiara fairytale turret suitor"),
    ("uncle aunt", "cousin cottage gift telegram fudge"),
    ("grandfather grandmother", "armchair heirloom memoir shawl cane"),
    ("actor actress", "stage film rehearsal theatre audition"),
    ("hero heroine", "quest legend triumph dragon medal"),
    ("god goddess", "temple myth sacrifice oracle heaven"),
    ("lord lady", "banquet butler fief tithe parlour"),
    ("host hostess", "party guest invitation buffet toast"),
    ("waiter waitress", "restaurant menu tray tip diner"),
    ("groom bride", "wedding veil bouquet vow altar"),
    ("nephew niece", "christening godparent guardian sleepover pageant"),
    ("emperor empress", "empire dynasty legion regent edict"),
    ("duke duchess", "estate dukedom manor carriage footman"),
    ("wizard witch", "spell potion wand cauldron sorcery"),
    ("monk nun", "monastery abbey chant vigil pilgrim"),
    ("grandson granddaughter", "storybook lap keepsake descendant genealogy"),
    ("steward stewardess", "cabin airline aisle passenger flight"),
    ("landlord landlady", "tenant lease rent lodging eviction"),
    ("policeman policewoman", "arrest handcuff patrol truncheon badge"),
    ("businessman businesswoman", "briefcase contract boardroom profit startup"),
    ("widower widow", "bereavement gravestone mourning urn obituary"),
    ("heir heiress", "legacy bequest testament solicitor annuity"),
    ("baron baroness", "barony villa moat gamekeeper chandelier"),
];

/// Base, third person, past, gerund; things that go with the verb.
#[rustfmt::skip]
pub(super) const VERBS: &[Row] = &[
    ("walk walks walked walking", "pavement footpath trail stride sidewalk"),
    ("write writes wrote writing", "letter pen diary manuscript essay"),
    ("eat eats ate eating", "supper fork plate feast sandwich"),
    ("run runs ran running", "marathon sprint racetrack jogger treadmill"),
    ("sleep sleeps slept sleeping", "pillow blanket mattress hammock dream"),
    ("sing sings sang singing", "choir melody hymn chorus ballad"),
    ("drive drives drove driving", "truck lorry motorway windscreen dashboard"),
    ("drink drinks drank drinking", "goblet mug juice straw cocktail"),
    ("buy buys bought buying", "wallet purse grocery voucher trolley"),
    ("sell sells sold selling", "stall bargain auction receipt discount"),
    ("build builds built building", "brick scaffold cement foundation bungalow"),
    ("swim swims swam swimming", "pool lagoon snorkel swimsuit goggles"),
    ("wait waits waited waiting", "queue bench lobby delay platform"),
    ("travel travels travelled travelling", "suitcase passport luggage itinerary voyage"),
    ("listen listens listened listening", "radio concert podcast headphone lecture"),
    ("laugh laughs laughed laughing", "joke comedy prank giggle punchline"),
    ("dance dances danced dancing", "waltz ballroom tango polka ballet"),
    ("cook cooks cooked cooking", "saucepan stew stove ladle broth"),
    ("paint paints painted painting", "canvas brush easel mural palette"),
    ("fight fights fought fighting", "battle duel shield fist armour"),
    ("climb climbs climbed climbing", "cliff ladder summit rope ridge"),
    ("fly flies flew flying", "kite glider parachute propeller runway"),
    ("draw draws drew drawing", "sketch pencil crayon diagram doodle"),
    ("ride rides rode riding", "saddle bicycle stirrup gallop pony"),
    ("study studies studied studying", "exam textbook semester syllabus diploma"),
    ("throw throws threw throwing", "javelin dart frisbee snowball pebble"),
    ("catch catches caught catching", "net hook bait rod minnow"),
    ("hide hides hid hiding", "mask closet cellar disguise hideout"),
    ("steal steals stole stealing", "burglar jewel vault necklace loot"),
    ("bake bakes baked baking", "loaf dough oven pastry flour"),
    ("wash washes washed washing", "soap sponge laundry basin detergent"),
    ("shout shouts shouted shouting", "crowd megaphone slogan echo protest"),
    ("whisper whispers whispered whispering", "secret rumour gossip ear hush"),
    ("count counts counted counting", "sum tally census abacus numeral"),
    ("argue argues argued arguing", "quarrel debate dispute opinion grievance"),
    ("repair repairs repaired repairing", "roof gutter leak hinge toolbox"),
    ("measure measures measured measuring", "ruler scale distance thermometer yardstick"),
    ("pray prays prayed praying", "shrine rosary psalm candle chapel"),
    ("vote votes voted voting", "ballot referendum campaign poll candidate"),
    ("jump jumps jumped jumping", "hurdle trampoline puddle fence leap"),
    ("type types typed typing", "keyboard typewriter password memo cursor"),
    ("dig digs dug digging", "spade ditch shovel tunnel trench"),
    ("hunt hunts hunted hunting", "rifle prey musket quarry falconry"),
    ("weep weeps wept weeping", "tear grief sorrow funeral handkerchief"),
    ("sew sews sewed sewing", "needle thread button hem thimble"),
    ("sweep sweeps swept sweeping", "broom dust chimney floor cobweb"),
    ("skate skates skated skating", "rink hockey puck icecap helmet"),
    ("carve carves carved carving", "chisel statue marble engraving totem"),
    ("knit knits knitted knitting", "yarn sweater wool scarf mitten"),
    ("weave weaves wove weaving", "loom tapestry shuttle wicker rug"),
];

/// Positive, comparative, superlative; things that the adjective can describe.
#[rustfmt::skip]
pub(super) const ADJECTIVES: &[Row] = &[
    ("big bigger biggest", "whale boulder giant mammoth"),
    ("old older oldest", "ruin fossil relic antique"),
    ("small smaller smallest", "crumb speck ant dot"),
    ("long longer longest", "saga corridor serpent convoy"),
    ("young younger youngest", "toddler infant teenager sapling"),
    ("hot hotter hottest", "desert lava volcano furnace"),
    ("cold colder coldest", "iceberg freezer blizzard igloo"),
    ("fast faster fastest", "rocket racer comet cheetah"),
    ("strong stronger strongest", "gladiator ox titan wrestler"),
    ("dark darker darkest", "cave dungeon shadow eclipse"),
    ("bright brighter brightest", "lamp star lantern spotlight"),
    ("deep deeper deepest", "ocean abyss canyon crater"),
    ("tall taller tallest", "tower skyscraper obelisk poplar"),
    ("heavy heavier heaviest", "crate wardrobe dumbbell cannon"),
    ("rich richer richest", "tycoon millionaire mansion yacht"),
    ("poor poorer poorest", "beggar slum pauper hovel"),
    ("short shorter shortest", "nap poem pause anecdote"),
    ("slow slower slowest", "snail tortoise glacier sloth"),
    ("warm warmer warmest", "hearth fireplace radiator quilt"),
    ("loud louder loudest", "drum siren trumpet explosion"),
    ("quiet quieter quietest", "mouse hermit meadow lullaby"),
    ("happy happier happiest", "birthday picnic carnival reunion"),
    ("sad sadder saddest", "tragedy farewell elegy requiem"),
    ("soft softer softest", "cushion feather velvet moss"),
    ("hard harder hardest", "granite flint diamond concrete"),
    ("sharp sharper sharpest", "razor dagger thorn spike"),
    ("wide wider widest", "river avenue estuary prairie"),
    ("narrow narrower narrowest", "lane strait crevice gangway"),
    ("sweet sweeter sweetest", "candy syrup caramel nougat"),
    ("wet wetter wettest", "raincoat umbrella swamp marsh"),
    ("dry drier driest", "drought dune savannah parchment"),
    ("clean cleaner cleanest", "mirror tablecloth sink porcelain"),
    ("dirty dirtier dirtiest", "rag mud sewer ashtray"),
    ("cheap cheaper cheapest", "trinket souvenir gadget leaflet"),
    ("brave braver bravest", "knight warrior explorer firefighter"),
    ("wise wiser wisest", "sage elder philosopher proverb"),
    ("thin thinner thinnest", "wafer wire ribbon membrane"),
    ("thick thicker thickest", "wall fog jungle porridge"),
    ("steep steeper steepest", "hillside staircase slope escarpment"),
    ("funny funnier funniest", "cartoon sitcom puppet parody"),
    ("smooth smoother smoothest", "silk ivory lacquer lotion"),
    ("rough rougher roughest", "gravel sandpaper burlap stubble"),
    ("fresh fresher freshest", "salad breeze parsley fountain"),
    ("weak weaker weakest", "pulse signal handshake twig"),
];

/// Singular, plural, young; parts of the animal, and where it lives.
#[rustfmt::skip]
pub(super) const ANIMALS: &[Row] = &[
    ("dog dogs puppy", "leash kennel bone collar"),
    ("cat cats kitten", "whisker purr tabby catnip"),
    ("horse horses foal", "stable mane hoof paddock"),
    ("cow cows calf", "barn udder cowbell cud"),
    ("bear bears cub", "den paw grizzly hibernation"),
    ("pig pigs piglet", "sty trough snout bacon"),
    ("hen hens chick", "egg coop rooster cluck"),
    ("wolf wolves whelp", "howl pack fang tundra"),
    ("duck ducks duckling", "pond quack waterfowl reed"),
    ("goat goats kid", "horn bleat goatherd crag"),
    ("bee bees larva", "hive honey pollen swarm"),
    ("frog frogs tadpole", "lilypad croak bog toad"),
    ("goose geese gosling", "gander honk skein gaggle"),
    ("butterfly butterflies caterpillar", "cocoon wing chrysalis milkweed"),
    ("spider spiders spiderling", "web venom arachnid eggsac"),
    ("owl owls owlet", "hoot talon hayloft belfry"),
    ("eagle eagles eaglet", "eyrie peak wingspan raptor"),
    ("seal seals pup", "floe blubber walrus arctic"),
    ("swan swans cygnet", "lake plumage lakeshore boathouse"),
    ("hare hares leveret", "burrow clover heath thicket"),
    ("fox foxes kit", "lair hedgerow vixen henhouse"),
    ("kangaroo kangaroos joey", "pouch outback wallaby eucalyptus"),
    ("pigeon pigeons squab", "loft coo dovecote breadcrumb"),
    ("eel eels elver", "weir sargasso slime mudbank"),
];

/// Singular, plural; what people eat it with.
#[rustfmt::skip]
pub(super) const FOODS: &[Row] = &[
    ("apple apples", "cider strudel cinnamon orchard"),
    ("potato potatoes", "gratin dumpling fritter chip"),
    ("tomato tomatoes", "pizza ketchup spaghetti mozzarella"),
    ("onion onions", "gravy shallot skillet thyme"),
    ("lemon lemons", "lemonade zest meringue citrus"),
    ("carrot carrots", "coleslaw beetroot parsnip celery"),
    ("banana bananas", "smoothie sundae flambe toffee"),
    ("bean beans", "chilli burrito pod casserole"),
    ("cherry cherries", "blossom kirsch clafoutis gateau"),
    ("strawberry strawberries", "shortcake cream rhubarb scone"),
    ("grape grapes", "vine raisin muscat trellis"),
    ("mushroom mushrooms", "truffle risotto chanterelle toadstool"),
    ("pear pears", "perry sorbet brandy gorgonzola"),
    ("peach peaches", "cobbler nectarine apricot bellini"),
    ("plum plums", "prune jam slivovitz compote"),
    ("cabbage cabbages", "sauerkraut kimchi borscht caraway"),
    ("olive olives", "tapenade feta caper hummus"),
    ("melon melons", "prosciutto watermelon honeydew seed"),
    ("walnut walnuts", "nutcracker brownie hazelnut praline"),
    ("pumpkin pumpkins", "halloween squash nutmeg pie"),
    ("cucumber cucumbers", "pickle gherkin yoghurt dill"),
    ("pineapple pineapples", "coconut rum papaya luau"),
    ("fig figs", "almond baklava syllabub pistachio"),
    ("turnip turnips", "haggis mash rutabaga broccoli"),
    ("radish radishes", "wasabi vinaigrette daikon watercress"),
];

/// Person, place of work; tools and goods of the trade.
#[rustfmt::skip]
pub(super) const TRADES: &[Row] = &[
    ("teacher school", "pupil lesson homework blackboard chalk"),
    ("doctor hospital", "patient fever surgery bandage stethoscope"),
    ("farmer farm", "harvest tractor wheat plough silo"),
    ("soldier barracks", "regiment drill parade bayonet sergeant"),
    ("sailor ship", "anchor deck rudder compass mast"),
    ("judge courthouse", "trial jury verdict gavel lawsuit"),
    ("priest church", "sermon pulpit parish baptism confession"),
    ("chef kitchen", "recipe sauce whisk spatula seasoning"),
    ("baker bakery", "bun croissant muffin baguette pretzel"),
    ("professor university", "thesis seminar faculty campus dean"),
    ("scientist laboratory", "experiment molecule microscope flask hypothesis"),
    ("pilot airport", "cockpit altitude takeoff hangar turbulence"),
    ("librarian library", "bookshelf catalogue bookmark encyclopedia archive"),
    ("banker bank", "loan deposit cheque ledger investor"),
    ("gardener garden", "lawn hedge tulip rake flowerbed"),
    ("miner mine", "coal ore pickaxe headlamp dynamite"),
    ("butcher abattoir", "sausage steak ham cleaver carcass"),
    ("clerk office", "desk folder invoice stapler photocopier"),
    ("mechanic garage", "engine wrench gearbox spanner exhaust"),
    ("carpenter workshop", "hammer nail plank sawdust lathe"),
    ("blacksmith forge", "anvil horseshoe bellows tongs iron"),
    ("potter pottery", "clay kiln vase glaze figurine"),
    ("shepherd pasture", "flock lamb fleece crook sheepdog"),
    ("photographer studio", "camera portrait tripod shutter darkroom"),
    ("fisherman harbour", "trawler lobster cod pier mackerel"),
    ("brewer brewery", "beer malt yeast barrel lager"),
    ("dentist clinic", "tooth cavity molar denture toothache"),
    ("chemist pharmacy", "pill ointment prescription remedy tablet"),
    ("astronomer observatory", "telescope planet galaxy nebula lens"),
    ("curator museum", "exhibit gallery sculpture collection artefact"),
    ("acrobat circus", "trapeze tightrope somersault juggler ringmaster"),
    ("hairdresser salon", "shampoo comb curl wig hairdryer"),
    ("goalkeeper stadium", "football penalty whistle goalpost glove"),
    ("publican tavern", "ale pint jukebox bartender lodger"),
    ("tailor boutique", "waistcoat lapel tweed cuff lining"),
    ("miller mill", "grain millstone waterwheel bran sieve"),
    ("winemaker vineyard", "vintage cask cork corkscrew sommelier"),
    ("tanner tannery", "leather tannin rawhide belt suede"),
    ("beekeeper apiary", "honeycomb beeswax mead smoker brood"),
    ("undertaker mortuary", "coffin hearse wreath shroud pallbearer"),
];

/// Plain words by class, for the slots that no entity fills: the name of a class, and its words.
pub(super) const CLASSES: &[(&str, &str)] = &[
    (
        "noun",
        "time way thing day year part case point fact place idea world question answer matter problem reason story \
         side kind end hand head word name life work change moment chance plan order result effect cause course form \
         turn line rule step sign view sort share start hope trouble news talk care need use sense sound sight mind \
         heart luck habit custom duty effort event future past present purpose quality quantity pattern process \
         project promise proof record report request respect reward risk search season service shape silence skill \
         source space spirit state style success surprise task taste tradition truth value variety victory voice \
         warning weight wish wonder worry mistake method memory manner limit lack knowledge journey interest instance \
         increase influence impression image experience example energy difference detail desire demand decision \
         danger culture control context content concern comparison choice character challenge century belief \
         beginning basis balance attention attempt attitude arrangement argument approach advice advantage activity \
         action account accident ability absence",
    ),
    (
        "adj",
        "good new great little own other right whole simple common certain clear free full true possible important \
         general special early late known final strange usual careful useful famous pleasant ordinary modern local \
         private public serious sudden sure perfect plain rare recent remarkable secondhand sensible separate similar \
         silent splendid suitable terrible total typical unexpected unusual vague valuable various vast visible vivid \
         wild wonderful worthy absent absurd active actual ancient annual anxious apparent awkward bitter brief calm \
         central cheerful civil complex constant curious decent distant eager elegant empty equal exact extra faint",
    ),
    (
        "adv",
        "well again then here there perhaps indeed together almost already alone once twice later sometimes quickly \
         slowly quietly simply suddenly finally carefully easily hardly nearly clearly certainly gladly gently openly \
         partly plainly politely properly rarely readily safely secretly seriously silently steadily surely truly \
         warmly widely willingly wisely",
    ),
    (
        "name",
        "hartley marlow ashby winslow thornton bexley carver dalton ellery fairfax garland holloway ingram jarvis \
         kendall langley merton norwood oakley pemberton quimby radley selwyn tilbury underhill vesper wexford yardley \
         addison barlow colby denham everard farley",
    ),
    (
        "his",
        "john peter thomas henry george edward robert james arthur walter hugo oscar felix martin daniel simon victor \
         leonard albert frederick",
    ),
    (
        "her",
        "mary anna emma alice sarah jane clara helen lucy ruth edith martha julia laura nora eva rosa agnes beatrice \
         charlotte",
    ),
    ("colour", "white black red blue green yellow brown grey orange purple pink crimson scarlet turquoise"),
    ("month", "january june december march april august september october november july february"),
    ("day", "sunday monday saturday friday tuesday wednesday thursday"),
    ("number", "two three four five six seven ten eight nine twelve twenty thirty hundred eleven fifty forty"),
    ("weather", "rain wind snow sun storm cloud mist thunder lightning sleet hail drizzle sunshine"),
    ("direction", "south east west southwest northeast northwest southeast"),
    ("season", "summer winter spring autumn"),
    ("planet", "mars venus jupiter saturn neptune mercury uranus"),
    ("instrument", "piano violin guitar flute cello harp clarinet banjo trombone oboe accordion mandolin"),
    ("sport", "tennis cricket golf rugby chess badminton archery polo rowing volleyball basketball"),
    ("metal", "gold silver copper tin lead bronze zinc nickel platinum brass"),
    ("flower", "rose lily daisy violet orchid poppy daffodil lavender jasmine marigold sunflower peony"),
    ("fabric", "cotton linen satin denim corduroy flannel lace chiffon muslin taffeta"),
];
