using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Training;

/// <summary>
/// Numbers over epochs, in a file that TensorBoard shows: records of length, checksum, protocol-buffer message
/// (tensorflow/core/util/event.proto), checksum. Every call appends and closes the file, so that nothing is lost when the process ends at
/// any moment.
/// </summary>
public sealed class TensorBoardLog
{
    // TensorBoard takes any file for one of events whose name has "tfevents" in it, and reads those of a folder by name.
    private const string Version = "brain.Event:2";
    private readonly string path;

    /// <summary>Begins a file in a folder; it is created with the first number.</summary>
    /// <param name="folder">The folder to point TensorBoard at.</param>
    public TensorBoardLog(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        path = Path.Combine(
            folder,
            string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{DateTimeOffset.UtcNow.ToUnixTimeSeconds():D10}.scnn"));
    }

    /// <summary>Appends what an epoch gave: loss and score of training and validation, and the learning rate.</summary>
    /// <param name="scoreName">Name of the score.</param>
    /// <param name="epoch">The epoch.</param>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public void Append(string scoreName, EpochResult epoch)
    {
        ArgumentNullException.ThrowIfNull(scoreName);
        ArgumentNullException.ThrowIfNull(epoch);
        var score = scoreName.Replace(' ', '_');
        Append(
            epoch.Epoch, new("loss/training", epoch.Training.Loss), new($"{score}/training", epoch.Training.Score), new(
                "learning_rate", epoch.LearningRate));
        if (epoch.Validation is { } validation)
            Append(epoch.Epoch, new("loss/validation", validation.Loss), new($"{score}/validation", validation.Score));
    }

    /// <summary>Appends numbers.</summary>
    /// <param name="step">Where on the axis of steps, such as the epoch.</param>
    /// <param name="numbers">Numbers by their tags. Those that are NaN are left out.</param>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public void Append(long step, params ReadOnlySpan<KeyValuePair<string, double>> numbers)
    {
        using var records = new MemoryStream();
        if (!File.Exists(path))
            WriteRecord(records, Event(0, message => WriteText(message, 3, Version)));
        foreach (var (tag, number) in numbers)
        {
            if (double.IsNaN(number))
                continue;
            var value = Message(message =>
            {
                WriteText(message, 1, tag);
                WriteFixed(message, 2, BitConverter.GetBytes((float)number));
            });
            var summary = Message(message => WriteBytes(message, 1, value));
            WriteRecord(records, Event(step, message => WriteBytes(message, 5, summary)));
        }

        try
        {
            using var file = new FileStream(path, FileMode.Append);
            file.Write(records.GetBuffer().AsSpan(0, (int)records.Length));
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            throw new WeightFileException($"'{path}' cannot be written: {reason.Message}", reason);
        }
    }

    private static byte[] Event(long step, Action<Stream> write) => Message(message =>
    {
        WriteFixed(message, 1, BitConverter.GetBytes((DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds));
        WriteKey(message, 2, 0);
        WriteVariable(message, (ulong)step);
        write(message);
    });

    private static byte[] Message(Action<Stream> write)
    {
        using var message = new MemoryStream();
        write(message);
        return message.ToArray();
    }

    private static void WriteRecord(Stream file, byte[] message)
    {
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, message.Length);
        file.Write(length);
        WriteChecksum(file, length);
        file.Write(message);
        WriteChecksum(file, message);
    }

    /// <summary>CRC-32C, rotated and shifted, since checksums of data that hold checksums are weak.</summary>
    private static void WriteChecksum(Stream file, ReadOnlySpan<byte> data)
    {
        var checksum = uint.MaxValue;
        foreach (var value in data)
            checksum = BitOperations.Crc32C(checksum, value);
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, BitOperations.RotateRight(~checksum, 15) + 0xa282ead8);
        file.Write(bytes);
    }

    private static void WriteText(Stream message, int field, string text) => WriteBytes(message, field, Encoding.UTF8.GetBytes(text));

    private static void WriteBytes(Stream message, int field, byte[] bytes)
    {
        WriteKey(message, field, 2);
        WriteVariable(message, (ulong)bytes.Length);
        message.Write(bytes);
    }

    /// <summary>A number of 4 or 8 bytes, little-endian as all machines are that .NET runs on.</summary>
    private static void WriteFixed(Stream message, int field, byte[] bytes)
    {
        WriteKey(message, field, bytes.Length == 8 ? 1 : 5);
        message.Write(bytes);
    }

    private static void WriteKey(Stream message, int field, int kind) => WriteVariable(message, (ulong)((field << 3) | kind));

    private static void WriteVariable(Stream message, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            message.WriteByte((byte)(value | 0x80));
        message.WriteByte((byte)value);
    }
}
