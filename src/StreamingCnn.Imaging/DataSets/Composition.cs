using System.Text;

namespace StreamingCnn.Imaging.DataSets;

/// <summary>
/// Letters and their marks, composed and apart (normal forms C and D of Unicode Standard Annex 15). The program runs
/// without the system's library for that, so that <see cref="string.Normalize()"/> leaves everything as it is.
/// </summary>
internal static class Composition
{
    private const int FirstHangul = 0xac00, FirstLead = 0x1100, FirstVowel = 0x1161, BeforeFirstTail = 0x11a7;
    private const int Leads = 19, Vowels = 21, Tails = 28;

    // From the Unicode Character Database: a mark, and pairs of a letter and what both together are.
    private static readonly string[][] Pairs =
    [
        ["\u0300", "AÀEÈIÌOÒUÙaàeèiìoòuùÜǛüǜNǸnǹЕЀИЍеѐиѝĒḔēḕŌṐōṑWẀwẁÂẦâầĂẰăằÊỀêềÔỒôồƠỜơờƯỪưừYỲyỳἀἂἁἃἈἊἉἋἐἒἑἓἘἚἙἛἠἢἡἣἨἪἩἫ"],
        ["\u0300", "ἰἲἱἳἸἺἹἻὀὂὁὃὈὊὉὋὐὒὑὓὙὛὠὢὡὣὨὪὩὫαὰεὲηὴιὶοὸυὺωὼΑᾺΕῈΗῊ᾿῍ϊῒΙῚ῾῝ϋῢΥῪ¨῭ΟῸΩῺ"],
        ["\u0301", "AÁEÉIÍOÓUÚYÝaáeéiíoóuúyýCĆcćLĹlĺNŃnńRŔrŕSŚsśZŹzźÜǗüǘGǴgǵÅǺåǻÆǼæǽØǾøǿ¨΅ΑΆΕΈΗΉΙΊΟΌΥΎΩΏϊΐαάεέηήιίϋΰοόυύ"],
        ["\u0301", "ωώϒϓГЃКЌгѓкќÇḈçḉĒḖēḗÏḮïḯKḰkḱMḾmḿÕṌõṍŌṒōṓPṔpṕŨṸũṹWẂwẃÂẤâấĂẮăắÊẾêếÔỐôốƠỚơớƯỨưứἀἄἁἅἈἌἉἍἐἔἑἕἘἜἙἝἠἤἡἥἨἬἩἭ"],
        ["\u0301", "ἰἴἱἵἸἼἹἽὀὄὁὅὈὌὉὍὐὔὑὕὙὝὠὤὡὥὨὬὩὭ᾿῎῾῞"],
        ["\u0302", "AÂEÊIÎOÔUÛaâeêiîoôuûCĈcĉGĜgĝHĤhĥJĴjĵSŜsŝWŴwŵYŶyŷZẐzẑẠẬạậẸỆẹệỌỘọộ"],
        ["\u0303", "AÃNÑOÕaãnñoõIĨiĩUŨuũVṼvṽÂẪâẫĂẴăẵEẼeẽÊỄêễÔỖôỗƠỠơỡƯỮưữYỸyỹ"],
        ["\u0304", "AĀaāEĒeēIĪiīOŌoōUŪuūÜǕüǖÄǞäǟȦǠȧǡÆǢæǣǪǬǫǭÖȪöȫÕȬõȭȮȰȯȱYȲyȳИӢиӣУӮуӯGḠgḡḶḸḷḹṚṜṛṝαᾱΑᾹιῑΙῙυῡΥῩ"],
        ["\u0306", "AĂaăEĔeĕGĞgğIĬiĭOŎoŏUŬuŭУЎИЙийуўЖӁжӂАӐаӑЕӖеӗȨḜȩḝẠẶạặαᾰΑᾸιῐΙῘυῠΥῨ"],
        ["\u0307", "CĊcċEĖeėGĠgġIİZŻzżAȦaȧOȮoȯBḂbḃDḊdḋFḞfḟHḢhḣMṀmṁNṄnṅPṖpṗRṘrṙSṠsṡŚṤśṥŠṦšṧṢṨṣṩTṪtṫWẆwẇXẊxẋYẎyẏſẛ"],
        ["\u0308", "AÄEËIÏOÖUÜaäeëiïoöuüyÿYŸΙΪΥΫιϊυϋϒϔЕЁІЇеёіїАӒаӓӘӚәӛЖӜжӝЗӞзӟИӤиӥОӦоӧӨӪөӫЭӬэӭУӰуӱЧӴчӵЫӸыӹHḦhḧÕṎõṏŪṺūṻWẄ"],
        ["\u0308", "wẅXẌxẍtẗ"],
        ["\u0309", "AẢaảÂẨâẩĂẲăẳEẺeẻÊỂêểIỈiỉOỎoỏÔỔôổƠỞơởUỦuủƯỬưửYỶyỷ"],
        ["\u030a", "AÅaåUŮuůwẘyẙ"],
        ["\u030b", "OŐoőUŰuűУӲуӳ"],
        ["\u030c", "CČcčDĎdďEĚeěLĽlľNŇnňRŘrřSŠsšTŤtťZŽzžAǍaǎIǏiǐOǑoǒUǓuǔÜǙüǚGǦgǧKǨkǩƷǮʒǯjǰHȞhȟ"],
        ["\u030f", "AȀaȁEȄeȅIȈiȉOȌoȍRȐrȑUȔuȕѴѶѵѷ"],
        ["\u0311", "AȂaȃEȆeȇIȊiȋOȎoȏRȒrȓUȖuȗ"],
        ["\u0313", "αἀΑἈεἐΕἘηἠΗἨιἰΙἸοὀΟὈυὐωὠΩὨρῤ"],
        ["\u0314", "αἁΑἉεἑΕἙηἡΗἩιἱΙἹοὁΟὉυὑΥὙωὡΩὩρῥΡῬ"],
        ["\u031b", "OƠoơUƯuư"],
        ["\u0323", "BḄbḅDḌdḍHḤhḥKḲkḳLḶlḷMṂmṃNṆnṇRṚrṛSṢsṣTṬtṭVṾvṿWẈwẉZẒzẓAẠaạEẸeẹIỊiịOỌoọƠỢơợUỤuụƯỰưựYỴyỵ"],
        ["\u0324", "UṲuṳ"],
        ["\u0325", "AḀaḁ"],
        ["\u0326", "SȘsșTȚtț"],
        ["\u0327", "CÇcçGĢgģKĶkķLĻlļNŅnņRŖrŗSŞsşTŢtţEȨeȩDḐdḑHḨhḩ"],
        ["\u0328", "AĄaąEĘeęIĮiįUŲuųOǪoǫ"],
        ["\u032d", "DḒdḓEḘeḙLḼlḽNṊnṋTṰtṱUṶuṷ"],
        ["\u032e", "HḪhḫ"],
        ["\u0330", "EḚeḛIḬiḭUṴuṵ"],
        ["\u0331", "BḆbḇDḎdḏKḴkḵLḺlḻNṈnṉRṞrṟTṮtṯZẔzẕhẖ"],
        ["\u0338", "←↚→↛↔↮⇐⇍⇔⇎⇒⇏∃∄∈∉∋∌∣∤∥∦∼≁≃≄≅≇≈≉=≠≡≢≍≭<≮>≯≤≰≥≱≲≴≳≵≶≸≷≹≺⊀≻⊁⊂⊄⊃⊅⊆⊈⊇⊉⊢⊬⊨⊭⊩⊮⊫⊯≼⋠≽⋡⊑⋢⊒⋣⊲⋪⊳⋫⊴⋬⊵⋭"],
        ["\u0342", "ἀἆἁἇἈἎἉἏἠἦἡἧἨἮἩἯἰἶἱἷἸἾἹἿὐὖὑὗὙὟὠὦὡὧὨὮὩὯαᾶ¨῁ηῆ᾿῏ιῖϊῗ῾῟υῦϋῧωῶ"],
        ["\u0345", "ἀᾀἁᾁἂᾂἃᾃἄᾄἅᾅἆᾆἇᾇἈᾈἉᾉἊᾊἋᾋἌᾌἍᾍἎᾎἏᾏἠᾐἡᾑἢᾒἣᾓἤᾔἥᾕἦᾖἧᾗἨᾘἩᾙἪᾚἫᾛἬᾜἭᾝἮᾞἯᾟὠᾠὡᾡὢᾢὣᾣὤᾤὥᾥὦᾦὧᾧὨᾨὩᾩὪᾪὫᾫὬᾬὭᾭὮᾮὯᾯὰᾲαᾳ"],
        ["\u0345", "άᾴᾶᾷΑᾼὴῂηῃήῄῆῇΗῌὼῲωῳώῴῶῷΩῼ"],
        ["\u0653", "اآ"],
        ["\u0654", "اأوؤيئەۀہۂےۓ"],
        ["\u0655", "اإ"],
        ["\u093c", "नऩरऱळऴ"],
        ["\u09be", "েো"],
        ["\u09d7", "েৌ"],
        ["\u0b3e", "େୋ"],
        ["\u0b56", "େୈ"],
        ["\u0b57", "େୌ"],
        ["\u0bbe", "ெொேோ"],
        ["\u0bd7", "ஒஔெௌ"],
        ["\u0c56", "ెై"],
        ["\u0cc2", "ೆೊ"],
        ["\u0cd5", "ಿೀೆೇೊೋ"],
        ["\u0cd6", "ೆೈ"],
        ["\u0d3e", "െൊേോ"],
        ["\u0d57", "െൌ"],
        ["\u0dca", "ෙේොෝ"],
        ["\u0dcf", "ෙො"],
        ["\u0ddf", "ෙෞ"],
        ["\u102e", "ဥဦ"],
        ["\u1b35", "ᬅᬆᬇᬈᬉᬊᬋᬌᬍᬎᬑᬒᬺᬻᬼᬽᬾᭀᬿᭁᭂᭃ"],
        ["\u3099", "かがきぎくぐけげこごさざしじすずせぜそぞただちぢつづてでとどはばひびふぶへべほぼうゔゝゞカガキギクグケゲコゴサザシジスズセゼソゾタダチヂツヅテデトドハバヒビフブヘベホボウヴワヷヰヸヱヹヲヺヽヾ"],
        ["\u309a", "はぱひぴふぷへぺほぽハパヒピフプヘペホポ"],
    ];

    private static readonly Dictionary<(char Letter, char Mark), char> Composed = Pairs
        .SelectMany(line => line[1].Chunk(2).Select(pair => (Key: (pair[0], line[0][0]), Whole: pair[1])))
        .ToDictionary(entry => entry.Key, entry => entry.Whole);

    private static readonly Dictionary<char, (char Letter, char Mark)> Apart =
        Composed.ToDictionary(entry => entry.Value, entry => entry.Key);

    /// <summary>
    /// Each letter with its marks as one character where there is one. Marks of a letter are taken in the order in
    /// which they stand, which programs write as the annex asks.
    /// </summary>
    public static string Compose(string text)
    {
        var composed = new StringBuilder(text.Length);
        foreach (var letter in text)
        {
            if (composed.Length > 0 && Together(composed[^1], letter) is { } whole)
                composed[^1] = whole;
            else
                composed.Append(letter);
        }

        return composed.ToString();
    }

    /// <summary>Each letter and its marks as characters of their own.</summary>
    public static string Decompose(string text)
    {
        var apart = new StringBuilder(text.Length);
        foreach (var letter in text)
            Decompose(letter, apart);
        return apart.ToString();
    }

    private static char? Together(char before, char letter)
    {
        if (Composed.TryGetValue((before, letter), out var whole))
            return whole;
        if (before - FirstLead is >= 0 and < Leads and var lead && letter - FirstVowel is >= 0 and < Vowels and var vowel)
            return (char)(FirstHangul + (((lead * Vowels) + vowel) * Tails));
        var syllable = before - FirstHangul;
        return syllable is >= 0 and < Leads * Vowels * Tails && syllable % Tails == 0
            && letter - BeforeFirstTail is > 0 and < Tails and var tail
            ? (char)(before + tail)
            : null;
    }

    private static void Decompose(char letter, StringBuilder apart)
    {
        if (letter - FirstHangul is >= 0 and < Leads * Vowels * Tails and var syllable)
        {
            apart.Append((char)(FirstLead + (syllable / (Vowels * Tails)))).Append((char)(FirstVowel + (syllable / Tails % Vowels)));
            if (syllable % Tails > 0)
                apart.Append((char)(BeforeFirstTail + (syllable % Tails)));
        }
        else if (Apart.TryGetValue(letter, out var parts))
        {
            Decompose(parts.Letter, apart);
            apart.Append(parts.Mark);
        }
        else
        {
            apart.Append(letter);
        }
    }
}
