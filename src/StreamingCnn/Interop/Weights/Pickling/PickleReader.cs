using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;
using static StreamingCnn.Interop.Weights.Pickling.AllowedGlobals;

namespace StreamingCnn.Interop.Weights.Pickling;

/// <summary>
/// Reads a pickle (Python's pickletools.py describes the instructions, protocols 0 to 5) as the data that it describes.
/// A pickle is a program for a stack machine that may name and call any function; this machine knows no functions, only
/// <see cref="AllowedGlobals"/>, and what it does not know it only keeps the place of.
/// </summary>
/// <param name="stream">The pickle; afterwards it stands behind the pickle's last byte.</param>
/// <param name="budget">What reading it may take.</param>
internal sealed partial class PickleReader(Stream stream, ParsingBudget budget)
{
    private static readonly object Mark = new();
    private static readonly PickledTrifle Extension = new("a registered extension");
    private static readonly PickledTrifle Outside = new("an object outside of the pickle");

    // About what things take: a number with its place on the stack, a value that is kept for later, a text or a
    // container, and a place in one.
    private const long NumberBytes = 40;
    private const long MemoBytes = 64;
    private const long ObjectBytes = 80;
    private const long ItemBytes = 16;

    // The time to parse grows with the square of the digits; no number in a checkpoint has more than a hash.
    private const int MostDigits = 1000;

    private readonly PickleSource source = new(stream);
    private readonly List<object?> stack = [];
    private readonly Dictionary<long, object?> memo = [];
    private readonly Dictionary<string, PickledStorage> storages = [];

    /// <summary>All storages that the pickle names, by key, each as a whole.</summary>
    public IReadOnlyDictionary<string, PickledStorage> Storages => storages;

    /// <summary>Runs the pickle.</summary>
    /// <exception cref="PickleException">The pickle is damaged or asks for something that is not allowed.</exception>
    public object? Read()
    {
        stack.Clear();
        memo.Clear();
        while (true)
        {
            var instruction = source.Byte();
            if (instruction == '.')
                return Pop();
            budget.Allocate(NumberBytes);
            Run((char)instruction);
        }
    }

    private void Run(char instruction)
    {
        switch (instruction)
        {
            case '\x80': source.Byte(); break; // protocol
            case '\x95': source.UInt64(); break; // frame

            case '(': stack.Add(Mark); break;
            case '0': Pop(); break;
            case '1': PopToMark(); break;
            case '2': stack.Add(Top()); break;
            case 'p': Keep(Integer(source.Line())); break;
            case 'q': Keep(source.Byte()); break;
            case 'r': Keep(source.UInt32()); break;
            case '\x94': Keep(memo.Count); break;
            case 'g': stack.Add(Recall(Integer(source.Line()))); break;
            case 'h': stack.Add(Recall(source.Byte())); break;
            case 'j': stack.Add(Recall(source.UInt32())); break;

            case 'N': stack.Add(null); break;
            case '\x88': stack.Add(true); break;
            case '\x89': stack.Add(false); break;
            case 'I': stack.Add(source.Line() switch { "01" => true, "00" => false, var digits => Integer(digits) }); break;
            case 'L': Push(LargeInteger(source.Line().TrimEnd('L'))); break;
            case 'J': stack.Add((long)source.Int32()); break;
            case 'K': stack.Add((long)source.Byte()); break;
            case 'M': stack.Add((long)source.UInt16()); break;
            case '\x8a': Push(LargeInteger(source.Byte())); break;
            case '\x8b': Push(LargeInteger(source.Int32())); break;
            case 'F': stack.Add(Real(source.Line())); break;
            case 'G': stack.Add(source.Double()); break;

            case 'S': Push(Unquote(source.Line())); break;
            case 'V': Push(CodePoint().Replace(source.Line(), code => ((char)Convert.ToInt32(code.Groups[1].Value, 16)).ToString())); break;
            case 'T': Push(source.Latin1(source.Int32())); break;
            case 'U': Push(source.Latin1(source.Byte())); break;
            case 'X': Push(source.Text(source.UInt32())); break;
            case '\x8c': Push(source.Text(source.Byte())); break;
            case '\x8d': Push(source.Text(source.UInt64())); break;
            case 'B': Push(source.Bytes(source.UInt32())); break;
            case 'C': Push(source.Bytes(source.Byte())); break;
            case '\x8e' or '\x96': Push(source.Bytes(source.UInt64())); break;

            case ')': stack.Add(PickledTuple.Empty); break;
            case '\x85': Push(new PickledTuple(Pop(1))); break;
            case '\x86': Push(new PickledTuple(Pop(2))); break;
            case '\x87': Push(new PickledTuple(Pop(3))); break;
            case 't': Push(new PickledTuple(PopToMark())); break;
            case ']': Push(new List<object?>()); break;
            case 'l': Push(PopToMark()); break;
            case 'a': Append(Pop(1)); break;
            case 'e': Append(PopToMark()); break;
            case '}': Push(new PickledDictionary()); break;
            case 'd': { var items = PopToMark(); Push(new PickledDictionary()); SetItems(items); break; }
            case 's': SetItems(Pop(2)); break;
            case 'u': SetItems(PopToMark()); break;
            case '\x8f': stack.Add(new PickledTrifle("set")); break;
            case '\x90': PopToMark(); Expect<PickledTrifle>(Top(), "a set"); break;
            case '\x91': PopToMark(); stack.Add(new PickledTrifle("frozenset")); break;

            case 'c': Push(Find(source.Line(), source.Line())); break;
            case '\x93': { var names = Pop(2); Push(Find(Expect<string>(names[0], "a module's name"), Expect<string>(names[1], "a name"))); break; }
            case 'R': { var call = Pop(2); stack.Add(Call(call[0], call[1])); break; }
            case '\x81': { var call = Pop(2); stack.Add(Call(call[0], call[1])); break; }
            case 'i': { var called = Find(source.Line(), source.Line()); stack.Add(Call(called, new PickledTuple(PopToMark()))); break; }
            case 'o':
                {
                    var items = PopToMark();
                    stack.Add(Call(items.Count > 0 ? items[0] : null, new PickledTuple([.. items.Skip(1)])));
                    break;
                }
            case 'b': Build(Pop()); break;
            case 'Q': stack.Add(Storage(Pop())); break;
            case 'P': source.Line(); stack.Add(Outside); break;
            case '\x92': { var call = Pop(3); stack.Add(Call(call[0], call[1])); break; }
            case '\x82': source.Byte(); stack.Add(Extension); break;
            case '\x83': source.UInt16(); stack.Add(Extension); break;
            case '\x84': source.Int32(); stack.Add(Extension); break;
            case '\x97': stack.Add(Outside); break;
            case '\x98': break; // read-only
            default: throw new PickleException($"its pickle has the unknown instruction 0x{(int)instruction:x2}");
        }
    }

    /// <summary>
    /// What a call makes. Of a class that is not known it is unknown, too; it has the name of the class, whatever is
    /// made of it.
    /// </summary>
    private object? Call(object? function, object? arguments) => function switch
    {
        Constructor constructor when arguments is PickledTuple tuple => constructor.Build(tuple.Items, budget),
        Constructor constructor when arguments is PickledTrifle => new PickledTrifle(constructor.Name),
        Constructor constructor => throw new PickleException($"the arguments of {constructor.Name} are of the wrong kind"),
        PickledTrifle trifle => trifle,
        StorageType type => new PickledTrifle(type.Name),
        _ => throw new PickleException("its pickle calls something that is not a function"),
    };

    /// <summary>
    /// State of an object. An OrderedDict of PyTorch carries its format's version here, a parameter the attributes that
    /// a user gave it, and an unknown object what it consists of; none of it says anything about the values of weights,
    /// so it is dropped.
    /// </summary>
    private void Build(object? state)
    {
        if (Top() is not PickledTrifle
            && (Top() is not (PickledDictionary or PickledTensor)
                || state is not (PickledDictionary or PickledTuple or PickledTrifle or null)))
        {
            throw new PickleException("its pickle sets the state of something that has none");
        }
    }

    /// <summary>
    /// What stands outside of the pickle: in PyTorch's files, the storages (torch/serialization.py, persistent_id), or
    /// else nothing that is known.
    /// </summary>
    private object Storage(object? id)
    {
        if (id is not PickledTuple { Items: ["storage", StorageType type, ..] items })
        {
            return id is PickledTuple { Items: ["storage", not PickledTrifle, ..] }
                ? throw new PickleException("a storage's description is not what the format asks for")
                : Outside;
        }

        if (items.Count < 5 || items[2] is not string { Length: <= 1000 } key || items[4] is not long count || count < 0)
            throw new PickleException("a storage's description is not what the format asks for");
        budget.Allocate(2 * ObjectBytes);
        budget.Work(key.Length);
        var whole = new PickledStorage(type, key, count, 0, count);
        if (!storages.TryAdd(key, whole) && storages[key] != whole)
            throw new PickleException($"its storage '{Excerpt.Of(key)}' is described in two ways");
        if (items.Count < 6 || items[5] is null)
            return whole;
        if (items[5] is not PickledTuple { Items: [string, long offset, long length] }
            || offset < 0
            || length < 0
            || length > count
            || offset > count - length)
            throw new PickleException("a view of a storage does not lie within it");
        return whole with { Offset = offset, Length = length };
    }

    private void Append(List<object?> items)
    {
        budget.Allocate(ItemBytes * items.Count);
        switch (Top())
        {
            case List<object?> list:
                list.AddRange(items);
                break;
            case PickledTrifle:
                break;
            default:
                throw new PickleException("its pickle appends to something that is not a list");
        }
    }

    private void SetItems(List<object?> items)
    {
        if (items.Count % 2 != 0)
            throw new PickleException("its pickle has a key without a value");
        budget.Allocate(ItemBytes * items.Count);
        switch (Top())
        {
            case PickledDictionary dictionary:
                for (var i = 0; i < items.Count; i += 2)
                    dictionary.Entries.Add(new(items[i], items[i + 1]));
                break;
            case PickledTrifle:
                break;
            default:
                throw new PickleException("its pickle sets an entry of something that is not a dictionary");
        }
    }

    private void Push(object value)
    {
        budget.Allocate(ObjectBytes + value switch
        {
            string text => sizeof(char) * (long)text.Length,
            byte[] bytes => bytes.Length,
            PickledTuple tuple => ItemBytes * tuple.Items.Count,
            List<object?> list => ItemBytes * list.Count,
            _ => 0,
        });
        stack.Add(value is BigInteger number && number >= long.MinValue && number <= long.MaxValue ? (long)number : value);
    }

    private void Keep(long key)
    {
        // Pickles count from 0. Keys that were chosen to collide would make each look-up as long as the memory.
        if (key is < 0 or > int.MaxValue)
            throw new PickleException("its pickle counts what it keeps as none does");
        budget.Allocate(MemoBytes);
        memo[key] = Top();
    }

    private object? Top() =>
        stack.Count > 0 && stack[^1] != Mark ? stack[^1] : throw new PickleException("its pickle uses a value that is not there");

    private object? Pop()
    {
        var top = Top();
        stack.RemoveAt(stack.Count - 1);
        return top;
    }

    private List<object?> Pop(int count)
    {
        var items = new List<object?>();
        for (var i = 0; i < count; i++)
            items.Insert(0, Pop());
        return items;
    }

    private List<object?> PopToMark()
    {
        var mark = stack.LastIndexOf(Mark);
        if (mark < 0)
            throw new PickleException("its pickle closes what it has not opened");
        var items = stack.GetRange(mark + 1, stack.Count - mark - 1);
        stack.RemoveRange(mark, stack.Count - mark);
        return items;
    }

    private object? Recall(long key) =>
        memo.TryGetValue(key, out var value) ? value : throw new PickleException("its pickle recalls what it has not stored");

    private static T Expect<T>(object? value, string what) =>
        value is T expected ? expected : throw new PickleException($"{what} is of the wrong kind");

    private static long Integer(string digits) =>
        long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
        ? value : throw new PickleException("its pickle has a number that is none");

    private static BigInteger LargeInteger(string digits) =>
        digits.Length <= MostDigits
        && BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value : throw new PickleException("its pickle has a number that is none");

    private BigInteger LargeInteger(int bytes) => bytes is >= 0 and <= MostDigits
        ? new(source.Bytes(bytes)) : throw new PickleException($"its pickle has a number of {bytes} bytes");

    private static double Real(string digits) => double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
        ? value : throw new PickleException("its pickle has a number that is none");

    private static string Unquote(string text) =>
        text.Length >= 2 && text[0] is '\'' or '"' && text[^1] == text[0] && !text.Contains('\\', StringComparison.Ordinal)
        ? text[1..^1] : throw new PickleException("its pickle has a string that is none");

    [GeneratedRegex("\\\\u([0-9a-fA-F]{4})")]
    private static partial Regex CodePoint();
}
