using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using static TorchSharp.torch;

namespace StreamingCnn.Interop.Weights.Pickling;

/// <summary>
/// Writes the pickle of a dictionary of tensors as PyTorch's <c>torch.save</c> does: protocol 2, values in storages of their own beside it.
/// </summary>
internal sealed class PickleWriter
{
    private const byte Proto = 0x80, Global = (byte)'c', Mark = (byte)'(', Tuple = (byte)'t', EmptyTuple = (byte)')', Reduce = (byte)'R',
        Text = (byte)'X', PersistentId = (byte)'Q', SetItems = (byte)'u', Stop = (byte)'.', False = 0x89, Long = 0x8a;

    private const byte Protocol = 2;

    private readonly Stream content;

    private PickleWriter(Stream content) => this.content = content;

    /// <summary>The pickle of tensors by name; the storage of each is called by its place, from 0 on.</summary>
    /// <param name="tensors">The tensors, in types that <see cref="AllowedGlobals.StorageOf"/> knows; they are taken to be contiguous.</param>
    public static byte[] Of(IReadOnlyList<KeyValuePair<string, Tensor>> tensors)
    {
        using var content = new MemoryStream();
        var writer = new PickleWriter(content);
        writer.Codes(Proto, Protocol);
        writer.EmptyDictionary();
        writer.Codes(Mark);
        foreach (var (place, (name, tensor)) in tensors.Index())
        {
            writer.Write(name);
            writer.Write(tensor, place);
        }

        writer.Codes(SetItems, Stop);
        return content.ToArray();
    }

    private void Write(Tensor tensor, int place)
    {
        Name("torch._utils", "_rebuild_tensor_v2");
        Codes(Mark);
        Codes(Mark);
        Write("storage");
        var storage = AllowedGlobals.StorageOf(tensor.dtype)!;
        Name("torch", storage[(storage.LastIndexOf('.') + 1)..]);
        Write(place.ToString(CultureInfo.InvariantCulture));
        Write("cpu");
        Write(tensor.numel());
        Codes(Tuple, PersistentId);
        Write(0);
        Write(tensor.shape);
        Write(Strides(tensor.shape));
        Codes(False);
        EmptyDictionary();
        Codes(Tuple, Reduce);
    }

    /// <summary>Those of values that lie row by row.</summary>
    private static long[] Strides(long[] shape)
    {
        var strides = new long[shape.Length];
        for (var (dimension, step) = (shape.Length - 1, 1L); dimension >= 0; dimension--)
        {
            strides[dimension] = step;
            step *= Math.Max(1, shape[dimension]);
        }

        return strides;
    }

    private void EmptyDictionary()
    {
        Name("collections", "OrderedDict");
        Codes(EmptyTuple, Reduce);
    }

    private void Name(string module, string name)
    {
        Codes(Global);
        content.Write(Encoding.ASCII.GetBytes($"{module}\n{name}\n"));
    }

    private void Write(long[] numbers)
    {
        Codes(Mark);
        foreach (var number in numbers)
            Write(number);
        Codes(Tuple);
    }

    private void Write(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        Codes(Text);
        content.Write(length);
        content.Write(bytes);
    }

    private void Write(long number)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        Codes(Long, (byte)bytes.Length);
        content.Write(bytes);
    }

    private void Codes(params ReadOnlySpan<byte> bytes) => content.Write(bytes);
}
