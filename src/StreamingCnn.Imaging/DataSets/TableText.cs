using System.Text;

namespace StreamingCnn.Imaging.DataSets;

/// <summary>
/// The text of a table, whatever program wrote it: UTF-8, UTF-16 with its mark as Excel's "Unicode text" has it, or
/// Windows-1252 as Excel's "CSV" has it in the west.
/// </summary>
internal static class TableText
{
    // Strict: what is no text in an encoding is not replaced by question marks.
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly Encoding Western = CodePagesEncodingProvider.Instance.GetEncoding(1252)!;

    /// <summary>Reads a file.</summary>
    /// <returns>The text without marks, and what is to be known of it; null for nothing.</returns>
    /// <exception cref="DataSetException">The file is missing, cannot be read or is no text.</exception>
    public static (string Text, string? Note) Read(string path)
    {
        var bytes = Bytes(path);
        if (bytes.AsSpan().StartsWith("PK"u8) || bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xd0, 0xcf, 0x11, 0xe0]))
            throw Refusal(path, "this is a workbook, not a table of text; in Excel or LibreOffice save it as CSV UTF-8");
        try
        {
            if (bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xff, 0xfe]))
                return (Checked(path, Utf16(bigEndian: false).GetString(bytes.AsSpan(2))), null);
            if (bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xfe, 0xff]))
                return (Checked(path, Utf16(bigEndian: true).GetString(bytes.AsSpan(2))), null);
        }
        catch (DecoderFallbackException)
        {
            throw Refusal(path, "this is damaged or cut short as UTF-16, which its mark says that it is; save it as CSV UTF-8");
        }

        try
        {
            var hasMark = bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xef, 0xbb, 0xbf]);
            return (Checked(path, Utf8.GetString(hasMark ? bytes.AsSpan(3) : bytes)), null);
        }
        catch (DecoderFallbackException)
        {
            var text = Checked(path, Western.GetString(bytes));
            // Five bytes mean nothing in Windows-1252, and come out as control characters.
            return text.Any(letter => letter is >= '\u0080' and < '\u00a0')
                ? throw Refusal(path, "this is neither UTF-8 nor Windows-1252; save it as CSV UTF-8")
                : (text, "the table is no UTF-8 and was read as Windows-1252; save it as CSV UTF-8 if letters look wrong");
        }
    }

    private static UnicodeEncoding Utf16(bool bigEndian) => new(bigEndian, byteOrderMark: true, throwOnInvalidBytes: true);

    private static byte[] Bytes(string path)
    {
        if (Directory.Exists(path))
            throw Refusal(path, "this is a folder; give the path of a table in it");
        if (!File.Exists(path))
            throw Refusal(path, "there is no such file; check the path");
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Refusal(path, $"it cannot be read: {error.Message.TrimEnd('.')}");
        }
    }

    private static string Checked(string path, string text)
    {
        // The end of a file on old systems.
        text = text.TrimEnd('\u001a');
        return text.Contains('\0')
            ? throw Refusal(path, "this is no table of text, for it holds characters of value 0; save it as CSV UTF-8")
            : text;
    }

    private static DataSetException Refusal(string path, string problem) => new(path, [problem]);
}
