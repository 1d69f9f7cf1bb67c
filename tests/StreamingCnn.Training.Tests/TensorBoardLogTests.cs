using Tensorboard;

namespace StreamingCnn.Training.Tests;

public class TensorBoardLogTests
{
    // The check value of CRC-32C for "123456789", from the catalogue of parametrised CRC algorithms.
    private const uint CheckOfDigits = 0xe3069283;

    [Fact]
    public void Events_are_read_back_by_another_implementation_of_the_format()
    {
        using var folder = new TemporaryFolder();
        var log = new TensorBoardLog(folder.Path);
        var before = (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;

        log.Append("balanced accuracy", new(1, new(0.7, 0.5), new(0.8, double.NaN), 0.01));
        log.Append("balanced accuracy", new(2, new(0.4, 0.75), null, 0.005));

        var events = Read(Directory.GetFiles(folder.Path).Single());
        Assert.Equal("brain.Event:2", events[0].FileVersion);
        Assert.All(events, e => Assert.InRange(e.WallTime, before - 1, before + 600));
        Assert.Equal(
            [
                (1, "loss/training", 0.7f),
                (1, "balanced_accuracy/training", 0.5f),
                (1, "learning_rate", 0.01f),
                (1, "loss/validation", 0.8f),
                (2, "loss/training", 0.4f), (2, "balanced_accuracy/training", 0.75f), (2, "learning_rate", 0.005f),
            ],
            events.Skip(1).Select(e => (e.Step, e.Summary.Value.Single().Tag, e.Summary.Value.Single().SimpleValue)));
    }

    [Fact]
    public void The_checksum_is_the_one_of_the_catalogue() => Assert.Equal(CheckOfDigits, Checksum("123456789"u8.ToArray()));

    /// <summary>Reads records with a checksum computed bit by bit, and messages with the classes that Google's compiler makes.</summary>
    private static List<Event> Read(string path)
    {
        Assert.Contains("tfevents", Path.GetFileName(path));
        var events = new List<Event>();
        using var file = new BinaryReader(File.OpenRead(path));
        while (file.BaseStream.Position < file.BaseStream.Length)
        {
            var length = file.ReadBytes(8);
            Assert.Equal(Masked(length), file.ReadUInt32());
            var message = file.ReadBytes((int)BitConverter.ToInt64(length));
            Assert.Equal(Masked(message), file.ReadUInt32());
            events.Add(Event.Parser.ParseFrom(message));
        }

        return events;
    }

    private static uint Masked(byte[] data)
    {
        var checksum = Checksum(data);
        return unchecked(((checksum >> 15) | (checksum << 17)) + 0xa282ead8);
    }

    private static uint Checksum(byte[] data)
    {
        var register = uint.MaxValue;
        foreach (var value in data)
        {
            register ^= value;
            for (var bit = 0; bit < 8; bit++)
                register = (register & 1) == 1 ? (register >> 1) ^ 0x82f63b78 : register >> 1;
        }

        return ~register;
    }
}
